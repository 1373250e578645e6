"""Both ends that a replay is asked at: a debugger's stub and QEMU's monitor. Nothing of Varve's is used here."""

import json
import random
import select
import socket
import time
from pathlib import Path
from typing import Any


class Silence(Exception):
    """No answer came in time."""


def connect(path: Path, seconds: float = 120) -> socket.socket:
    """A connection to the Unix socket at `path`, which may still have to appear."""
    end = time.monotonic() + seconds
    while True:
        peer = socket.socket(socket.AF_UNIX)
        try:
            peer.connect(str(path))
            return peer
        except OSError:
            peer.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


class Stub:
    """A client of the GDB remote protocol, with acknowledgements."""

    def __init__(self, path: Path) -> None:
        self._peer = connect(path)
        self._bytes = b""

    def close(self) -> None:
        self._peer.close()

    def send(self, packet: str) -> None:
        data = packet.encode()
        self._peer.sendall(b"$" + data + b"#%02x" % (sum(data) % 256))

    def interrupt(self) -> None:
        """What Ctrl-C sends."""
        self._peer.sendall(b"\x03")

    def next(self, seconds: float = 600) -> str:
        """The next packet."""
        end = time.monotonic() + seconds
        while True:
            start = self._bytes.find(b"$")
            stop = self._bytes.find(b"#", start)
            if start >= 0 and stop >= 0 and len(self._bytes) >= stop + 3:
                packet = self._bytes[start + 1 : stop]
                self._bytes = self._bytes[stop + 3 :]
                self._peer.sendall(b"+")
                return _expanded(packet).decode("latin-1")
            if not select.select([self._peer], [], [], max(0, end - time.monotonic()))[0]:
                raise Silence(f"no packet within {seconds:.0f} s")
            data = self._peer.recv(1 << 16)
            if not data:
                raise Silence("the stub closed the connection")
            self._bytes += data

    def ask(self, packet: str, seconds: float = 600) -> str:
        self.send(packet)
        return self.next(seconds)

    def monitor(self, command: str, seconds: float = 600) -> str:
        """What `monitor command` prints, but for how far it is."""
        self.send("qRcmd," + command.encode().hex())
        text = ""
        while (packet := self.next(seconds)) != "OK":
            if packet.startswith("E"):
                raise RuntimeError(f"monitor {command}: {packet} {text}")
            text += bytes.fromhex(packet.removeprefix("O")).decode()
            if not packet.startswith("O"):
                break
        return "".join(line for line in text.splitlines(True) if not line.startswith("still at it: "))

    def registers(self) -> str:
        """Without CF, PF, AF, ZF, SF and OF: where an instruction leaves one undefined, QEMU gives it by how it came
        there, by steps or in one run."""
        registers = bytearray.fromhex(self.ask("g"))
        for offset, mask in zip((136, 137), (0xD5, 0x08)):
            registers[offset] &= ~mask
        return registers.hex()

    def counter(self) -> int:
        """RIP: the seventeenth of the numbers of eight bytes."""
        return int.from_bytes(bytes.fromhex(self.registers()[16 * 16 : 17 * 16]), "little")

    def memory(self, address: int, count: int) -> bytes | None:
        """Nil if it can't be read."""
        answer = self.ask(f"m{address:x},{count:x}")
        return None if answer.startswith("E") or len(answer) != 2 * count else bytes.fromhex(answer)


def _expanded(packet: bytes) -> bytes:
    """Without escapes and repetitions (gdb manual, "Overview")."""
    out = bytearray()
    index = 0
    while index < len(packet):
        byte = packet[index]
        if byte == 0x7D:
            index += 1
            out.append(packet[index] ^ 0x20)
        elif byte == 0x2A:
            index += 1
            out += out[-1:] * (packet[index] - 29)
        else:
            out.append(byte)
        index += 1
    return bytes(out)


class Monitor:
    """A client of QMP."""

    def __init__(self, path: Path) -> None:
        self._file = connect(path).makefile("rw")
        self._file.readline()
        self.ask("qmp_capabilities")

    def ask(self, command: str, **arguments: object) -> Any:
        token = random.randrange(1 << 30)
        request = {"execute": command, "id": token} | ({"arguments": arguments} if arguments else {})
        self._file.write(json.dumps(request) + "\n")
        self._file.flush()
        while line := self._file.readline():
            answer = json.loads(line)
            if answer.get("id") != token:
                continue
            if "error" in answer:
                raise RuntimeError(f"{command}: {answer['error']}")
            return answer["return"]
        raise Silence("QEMU has gone")
