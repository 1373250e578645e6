"""A small client of the GDB remote protocol, and the two servers that it talks to: Varve's and QEMU's own."""

import json
import shlex
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path


class Remote:
    """One connection to a server of the GDB remote protocol."""

    def __init__(self, path: Path, limit: float = 30) -> None:
        deadline = time.monotonic() + limit
        while True:
            self.socket = socket.socket(socket.AF_UNIX)
            try:
                self.socket.connect(str(path))
                break
            except OSError:
                self.socket.close()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        self.socket.settimeout(900)
        self.buffer = b""
        self.ask("qSupported:swbreak+;hwbreak+;ReverseStep+;ReverseContinue+;ConditionalBreakpoints+")

    def send(self, packet: str) -> None:
        data = packet.encode()
        self.socket.sendall(b"$%s#%02x" % (data, sum(data) & 0xFF))

    def receive(self) -> str:
        """The next packet; acknowledged."""
        while True:
            start = self.buffer.find(b"$")
            end = self.buffer.find(b"#", start)
            if start >= 0 and 0 <= end <= len(self.buffer) - 3:
                packet = self.buffer[start + 1 : end]
                self.buffer = self.buffer[end + 3 :]
                self.socket.sendall(b"+")
                return packet.decode("latin-1")
            data = self.socket.recv(1 << 16)
            if not data:
                raise ConnectionError("the server has gone")
            self.buffer += data

    def ask(self, packet: str) -> str:
        self.send(packet)
        return self.receive()

    def timed(self, packet: str) -> tuple[float, str]:
        """Seconds that the answer took, and the answer."""
        start = time.monotonic()
        answer = self.ask(packet)
        return time.monotonic() - start, answer

    def monitor(self, command: str) -> str:
        """What a monitor command prints."""
        self.send("qRcmd," + command.encode().hex())
        text = ""
        while True:
            answer = self.receive()
            if answer == "OK":
                return text
            if answer.startswith("E"):
                raise RuntimeError(f"monitor {command}: {answer}")
            text += bytes.fromhex(answer.removeprefix("O")).decode()
            if not answer.startswith("O"):
                return text

    def word(self, offset: int) -> int:
        """One of the registers, by its offset in the `g` packet: the program counter of x86-64 is at 128."""
        digits = self.ask("g")
        return int.from_bytes(bytes.fromhex(digits[2 * offset : 2 * offset + 16]), "little")

    def close(self) -> None:
        self.socket.close()


class QMP:
    """QEMU's machine monitor."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.file = self.socket.makefile("rw")
        json.loads(self.file.readline())
        self.execute("qmp_capabilities")

    def execute(self, command: str, **arguments: object) -> object:
        self.file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.file.flush()
        while True:
            answer = json.loads(self.file.readline())
            if "error" in answer:
                raise RuntimeError(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]


def copy_of(recording: Path, target: Path) -> Path:
    """The recording as it was before anybody replayed it: with QEMU's one initial snapshot only."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(recording, target)
    (target / "checkpoints.json").unlink(missing_ok=True)
    words = json.loads((target / "recording.json").read_text())["replayed"]
    for image in target.glob("*.qcow2"):
        listing = subprocess.run(
            ["qemu-img", "snapshot", "-l", image], capture_output=True, text=True, check=True
        ).stdout
        for line in listing.splitlines():
            for name in line.split():
                if name.startswith("varve-") and name != "varve-start" and name[6:].isdigit():
                    subprocess.run(["qemu-img", "snapshot", "-d", name, image], check=True)
    del words
    return target


class QEMU:
    """QEMU replaying a recording by itself: its own reverse debugging."""

    def __init__(self, recording: Path, scratch: Path) -> None:
        words = [
            word.replace("{recording}", str(recording))
            for word in json.loads((recording / "recording.json").read_text())["replayed"]
        ]
        stub, monitor = scratch / "qemu-stub", scratch / "qemu-qmp"
        for path in (stub, monitor):
            path.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [*words, "-S", "-no-shutdown", "-gdb", f"unix:{stub},server=on,wait=off"]
            + ["-qmp", f"unix:{monitor},server=on,wait=off"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        self.remote = Remote(stub)
        self.qmp = QMP(monitor)

    def run_to(self, count: int) -> float:
        """Replays forwards; seconds."""
        self.qmp.execute("replay-break", icount=count)
        start = time.monotonic()
        self.remote.ask("c")
        return time.monotonic() - start

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


class Varve:
    """`varve replay`, serving a recording."""

    def __init__(self, varve: str, recording: Path, scratch: Path) -> None:
        path = scratch / "varve-stub"
        path.unlink(missing_ok=True)
        self.log = (scratch / "varve-log").open("w+")
        self.process = subprocess.Popen(
            [varve, "replay", recording, "--listen", f"unix:{path}"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
        )
        try:
            self.remote = Remote(path, limit=120)
        except OSError:
            self.log.seek(0)
            sys.exit(f"varve replay {shlex.quote(str(recording))}: {self.log.read()}")

    def seek(self, where: object) -> float:
        """Seconds that it took."""
        start = time.monotonic()
        self.remote.monitor(f"seek {where}")
        return time.monotonic() - start

    def position(self) -> int:
        return int(self.remote.monitor("when").split()[1])

    def end(self) -> None:
        self.remote.close()
        self.process.terminate()
        self.process.wait()
