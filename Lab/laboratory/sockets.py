"""Unix sockets whose path may be longer than the 107 bytes that an address has room for."""

import os
import socket
from pathlib import Path


def reachable(path: Path) -> str:
    """A short name for a socket's path. It holds a descriptor of the directory until the process ends."""
    return f"/proc/self/fd/{os.open(path.parent, os.O_PATH | os.O_CLOEXEC)}/{path.name}"


def listener(path: Path) -> socket.socket:
    """A socket that accepts one connection."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.bind(reachable(path))
    made.listen(1)
    return made
