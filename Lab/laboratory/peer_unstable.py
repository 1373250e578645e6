"""Debian unstable's crash and makedumpfile: Debian 12's know neither the newest kernels nor some of its own."""

from pathlib import Path

from .archive import UNSTABLE
from .commands import output_of
from .steps import step

_PACKAGES = ("crash", "makedumpfile")
# By the loader that came with them: the host's C library is older than theirs.
_LAUNCHER = """#!/bin/sh
home=$(dirname "$(readlink -f "$0")")
exec "$home/usr/lib64/ld-linux-x86-64.so.2" --library-path "$home/usr/lib/x86_64-linux-gnu" "$home/usr/bin/{0}" "$@"
"""


def inputs() -> list[str]:
    return UNSTABLE.closure(_PACKAGES)


def make(directory: Path) -> None:
    """Unpacks both programs with their libraries; `crash` and `makedumpfile` run them wherever they are moved to."""
    with step(f"unstable's {' and '.join(_PACKAGES)}"):
        UNSTABLE.unpack_with_dependencies(_PACKAGES, directory)
    for name in _PACKAGES:
        program = directory / name
        program.write_text(_LAUNCHER.format(name))
        program.chmod(0o755)
    output_of([directory / "crash", "--version"])
    output_of([directory / "makedumpfile", "-v"])
