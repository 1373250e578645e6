"""A disk that stops answering: an NBD server which keeps every request waiting from the moment it is told to.

Requests that stay in flight are what a hung storage backend looks like from inside QEMU. The protocol is described in
doc/proto.md of the NetworkBlockDevice project.
"""

import socket
import struct
import threading
from pathlib import Path

from .errors import LabError
from .sockets import listener
from .waiting import Deadline, Journal

SIZE = 64 << 20

_OPTION_MAGIC = 0x49484156454F5054
_OPTION_REPLY_MAGIC = 0x0003E889045565A9
_FIXED_NEWSTYLE, _NO_ZEROES = 1, 2
_OPT_ABORT, _OPT_GO = 2, 7
_REP_ACK, _REP_INFO, _REP_ERR_UNSUP = 1, 3, 0x80000001
_INFO_EXPORT = 0
_HAS_FLAGS = 1
_REQUEST_MAGIC, _REPLY_MAGIC = 0x25609513, 0x67446698
_CMD_READ, _CMD_WRITE, _CMD_DISC = 0, 1, 2


class StalledDisk:
    """Serves one client on a unix socket until closed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held: Journal[int] = Journal("the stalled disk")
        self._stalled = threading.Event()
        self._listener = listener(path)
        threading.Thread(target=self._serve, daemon=True).start()

    def stall(self) -> None:
        """From now on nothing is answered."""
        self._stalled.set()

    def wait_for_held(self, count: int, deadline: Deadline) -> None:
        """Waits until that many requests are waiting for an answer that will not come."""
        self._held.first(lambda entry: entry == count, f"request number {count} that stays in flight", deadline)

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        try:
            connection, _ = self._listener.accept()
            with connection:
                self._negotiate(connection)
                self._transmit(connection)
        except (OSError, LabError, struct.error) as error:
            self._held.finish(str(error) or type(error).__name__)
        self._held.finish("client gone")

    def _negotiate(self, connection: socket.socket) -> None:
        connection.sendall(b"NBDMAGIC" + struct.pack(">QH", _OPTION_MAGIC, _FIXED_NEWSTYLE | _NO_ZEROES))
        _exactly(connection, 4)
        while True:
            magic, option, length = struct.unpack(">QII", _exactly(connection, 16))
            if magic != _OPTION_MAGIC:
                raise LabError("not an NBD option")
            _exactly(connection, length)
            if option == _OPT_GO:
                export = struct.pack(">HQH", _INFO_EXPORT, SIZE, _HAS_FLAGS)
                _reply_to_option(connection, option, _REP_INFO, export)
                _reply_to_option(connection, option, _REP_ACK)
                return
            if option == _OPT_ABORT:
                _reply_to_option(connection, option, _REP_ACK)
                raise LabError("client gave up")
            _reply_to_option(connection, option, _REP_ERR_UNSUP)

    def _transmit(self, connection: socket.socket) -> None:
        held = 0
        while True:
            magic, _, command, handle, _, length = struct.unpack(">IHHQQI", _exactly(connection, 28))
            if magic != _REQUEST_MAGIC:
                raise LabError("not an NBD request")
            if command == _CMD_DISC:
                return
            if command == _CMD_WRITE:
                _exactly(connection, length)
            if self._stalled.is_set():
                held += 1
                self._held.add(held)
                continue
            content = bytes(length) if command == _CMD_READ else b""
            connection.sendall(struct.pack(">IIQ", _REPLY_MAGIC, 0, handle) + content)


def _reply_to_option(connection: socket.socket, option: int, kind: int, data: bytes = b"") -> None:
    connection.sendall(struct.pack(">QIII", _OPTION_REPLY_MAGIC, option, kind, len(data)) + data)


def _exactly(connection: socket.socket, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        part = connection.recv(count - len(parts))
        if not part:
            raise LabError("client gone")
        parts += part
    return bytes(parts)
