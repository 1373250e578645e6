"""Recordings, and replays of them: by Varve, and by a QEMU of its own that Varve has nothing to do with."""

import contextlib
import hashlib
import json
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from measuring import laboratory

from .wire import Monitor, Stub

MEMORY = 128 << 20


@dataclass(frozen=True)
class Processor:
    program: str
    guest: str  # the laboratory's subject
    console: str  # for the kernel's command line
    options: tuple[str, ...]
    last_line: str  # a sign on the console that the guest's programs run
    debugger: str
    architecture: str  # what it calls this


X86 = Processor(
    "qemu-system-x86_64",
    "guest",
    "console=ttyS0 earlyprintk=serial",
    (),
    "init has started everything",
    "gdb",
    "i386:x86-64",
)
ARM = Processor(
    "qemu-system-aarch64",
    "guest-arm64",
    "console=ttyAMA0",
    ("-cpu", "cortex-a53"),
    "LAB: the machine is up",
    "gdb-multiarch",
    "aarch64",
)


@dataclass(frozen=True)
class Machine:
    board: str
    has_disk: bool
    processor: Processor = X86

    def __str__(self) -> str:
        return f"{self.board}, {'a' if self.has_disk else 'no'} disk"


MACHINES = [Machine(board, disk) for board in ("pc", "q35") for disk in (False, True)]
VIRT = Machine("virt", False, ARM)


class Recording:
    """One that is made with Varve, from power-on until the guest's own programs run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.facts = json.loads((path / "recording.json").read_text())
        self.instructions: int = self.facts["ending"]["instructions"]

    @staticmethod
    def make(varve: str, place: Path, machine: Machine, words: tuple[str, ...], *, is_short: bool) -> "Recording":
        """One that is in `place` already is taken as it is. A short one ends with the kernel's first lines."""
        path = place / "-".join([machine.board, "disk" if machine.has_disk else "bare", *words])
        if (path / "recording.json").exists():
            return Recording(path)
        processor = machine.processor
        files = Path(laboratory(processor.guest))
        command = [varve, "record", "-q", "-o", path, "--", processor.program, "-M", machine.board, *processor.options]
        command += ["-m", str(MEMORY >> 20), "-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot"]
        command += ["-kernel", files / "vmlinuz", "-initrd", files / "initramfs.gz"]
        load = ""
        if machine.has_disk:
            image = place / f"{path.name}.img"
            image.write_bytes(bytes(1 << 22))
            command += ["-drive", f"file={image},format=raw,if=virtio", "-snapshot"]
            load = " lab.load=vda:1:1"
        command += ["-append", f"{processor.console} panic=-1 {' '.join(words)}{load}"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as recorder:
            for line in recorder.stdout:
                if ("Linux version" if is_short else processor.last_line) in line.decode(errors="replace"):
                    break
            # Some work of user programs, too.
            with contextlib.suppress(subprocess.TimeoutExpired):
                recorder.wait(0 if is_short else 2)
            recorder.send_signal(signal.SIGTERM)
            recorder.stdout.read()
            if recorder.wait(60) != 0:
                raise RuntimeError(f"varve record ended with {recorder.returncode}")
        return Recording(path)

    @contextlib.contextmanager
    def served(self, varve: str) -> Iterator["Served"]:
        """Varve replays it."""
        socket = self.path / "proof.socket"
        socket.unlink(missing_ok=True)
        command = [varve, "replay", "-q", self.path, "--listen", f"unix:{socket}"]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL) as server:
            stub = None
            try:
                stub = Stub(socket)
                stub.ask("qSupported:swbreak+;hwbreak+")
                yield Served(server.pid, stub)
            finally:
                if stub:
                    stub.close()
                server.terminate()
                server.wait(60)

    @contextlib.contextmanager
    def plain(self, *options: str) -> Iterator["Plain"]:
        """QEMU replays a copy of it."""
        with tempfile.TemporaryDirectory(prefix="varve-plain.") as scratch:
            copy = Path(scratch) / "recording"
            shutil.copytree(self.path, copy, ignore=shutil.ignore_patterns("*.socket", "gdb"))
            words = [word.replace("{recording}", str(copy)) for word in self.facts["replayed"]]
            words += ["-S", "-no-shutdown", *options]
            words += ["-gdb", f"unix:{scratch}/stub,server=on,wait=off"]
            words += ["-qmp", f"unix:{scratch}/monitor,server=on,wait=off"]
            errors = (Path(scratch) / "errors").open("w+")
            with errors, subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors) as qemu:
                try:
                    yield Plain(qemu.pid, Stub(Path(scratch) / "stub"), Monitor(Path(scratch) / "monitor"))
                finally:
                    qemu.kill()
                    qemu.wait()


def memory_digest(process: int) -> str:
    """SHA-256 of all of the guest's memory, read out of the QEMU that stands still."""
    for line in Path(f"/proc/{process}/maps").read_text().splitlines():
        start, end = (int(word, 16) for word in line.split()[0].split("-"))
        if end - start == MEMORY:
            with open(f"/proc/{process}/mem", "rb", buffering=0) as memory:
                memory.seek(start)
                digest = hashlib.sha256()
                for _ in range(MEMORY >> 20):
                    digest.update(memory.read(1 << 20))
                return digest.hexdigest()
    raise RuntimeError(f"process {process} has no mapping of {MEMORY >> 20} MiB")


@dataclass
class Served:
    process: int
    stub: Stub

    def engine(self) -> int:
        """The QEMU that Varve runs."""
        tasks = Path(f"/proc/{self.process}/task").iterdir()
        found = [int(child) for task in tasks for child in (task / "children").read_text().split()]
        if len(found) != 1:
            raise RuntimeError(f"varve has the children {found}")
        return found[0]

    def seek(self, moment: int | str) -> None:
        self.stub.monitor(f"seek {moment}")

    def when(self) -> int:
        return int(self.stub.monitor("when").split()[1])

    def state(self) -> tuple[str, str]:
        """Registers, and a digest of memory."""
        registers = self.stub.registers()
        # More than Varve keeps: its QEMU has to go where the debugger is.
        counter = int.from_bytes(bytes.fromhex(registers[256:272]), "little")
        self.stub.memory(counter & ~4095, 2048)
        return registers, memory_digest(self.engine())


@dataclass
class Plain:
    process: int
    stub: Stub
    monitor: Monitor

    def when(self) -> int:
        return self.monitor.ask("query-replay")["icount"]

    def run(self, moment: int) -> str:
        """To the first state of `moment`, or until something stops it before. Gives the stub's reply."""
        if self.when() >= moment:
            return ""
        self.monitor.ask("replay-break", icount=moment)
        return self.stub.ask("c")

    def step(self) -> str:
        return self.stub.ask("s")

    def physical(self, address: int, count: int) -> bytes | None:
        """Physical memory. Nil if there is none."""
        self.stub.ask("Qqemu.PhyMemMode:1")
        memory = self.stub.memory(address, count)
        self.stub.ask("Qqemu.PhyMemMode:0")
        return memory

    def say(self, command: str) -> str:
        """What QEMU's monitor for people prints."""
        return self.monitor.ask("human-monitor-command", **{"command-line": command})

    def state(self) -> tuple[str, str]:
        return self.stub.registers(), memory_digest(self.process)
