"""A QEMU that runs one of the configurations, until its guest has come to where it stays."""

import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path

from . import cache
from .commands import Child
from .errors import LabError
from .machine import Program
from .qmp import QMP
from .sockets import listener
from .vm_configurations import Configuration
from .waiting import Deadline, Journal

CONTROL = "control.sock"  # a second monitor, for others
_IS_UP = "LAB: the machine is up"
_NOTHING_TO_BOOT = "No bootable device."
# A known register of each tiny guest, and its value once it has come to its endless loop.
_KNOWN = {"real": "EBP=ccccdddd", "protected": "EBP=ddddeeee"}


@dataclass
class VM:
    """`directory` holds its files, sockets and logs, and its core if it dies."""

    configuration: Configuration
    program: Program
    directory: Path
    _console: Journal[str] = field(default_factory=lambda: Journal("the guest's console"))
    _child: Child | None = None
    _listener: threading.Thread | None = None

    def __post_init__(self) -> None:
        self._seen = self.directory
        if self.program.root is not None:
            self._seen = Path("/") / self.directory.relative_to(self.program.root)

    def start(self) -> None:
        """Returns when the guest is up and what is to be plugged in is there."""
        deadline = Deadline(240)
        self._make_files()
        monitor = listener(self.directory / "qmp.sock")
        monitor.settimeout(60)
        self._child = Child(
            self.command_line(),
            cwd=self._seen,
            root=self.program.root,
            stdout=subprocess.PIPE,
            stderr=(self.directory / "qemu.err").open("wb"),
            core_files=True,
        )
        Path(f"/proc/{self.pid}/coredump_filter").write_text(hex(self.configuration.coredump_filter))
        self._listener = threading.Thread(target=self._listen_to_console, daemon=True)
        self._listener.start()
        try:
            with monitor:
                connection, _ = monitor.accept()
        except TimeoutError as error:
            raise LabError(f"QEMU did not connect its monitor: {self._complaints()}") from error
        self.qmp = QMP(connection)
        for line in self._awaited():
            self._await_line(line, deadline)
        for command, arguments in self.configuration.plugged:
            self.qmp.execute(command, arguments)

    def pause(self) -> None:
        """Stops all vCPUs; those with known registers where they have them."""
        known = _KNOWN.get(self.configuration.guest)
        for _ in range(1000):
            self.qmp.execute("stop")
            if known is None or known in self.ask("info registers"):
                return
            self.qmp.execute("cont")
        raise LabError(f"{self.configuration.name}: no vCPU ever has {known}")

    def ask(self, command: str) -> str:
        """What the monitor for people answers."""
        answer = self.qmp.execute("human-monitor-command", {"command-line": command})
        return str(answer).replace("\r\n", "\n")

    @property
    def pid(self) -> int:
        return self._started().pid

    def wait_for_end(self) -> None:
        """Waits until QEMU has died of what was done to it."""
        self._started().wait(120)

    def stop(self) -> None:
        """Ends QEMU, if it still runs."""
        if self._child:
            self._child.kill()
        if self._listener:
            self._listener.join(30)

    def path(self, name: str) -> str:
        """A file of this machine, by the name that QEMU knows it by."""
        return str(self._seen / name)

    def command_line(self) -> list[str]:
        configuration = self.configuration
        buffer = configuration.translation_buffer
        words = [
            str(self.program.path),
            *("-name", f"{configuration.name},debug-threads=on"),
            *("-accel", "tcg" + (f",tb-size={buffer}" if buffer else "")),
            *("-machine", configuration.machine),
            *("-m", f"{configuration.memory}M{configuration.memory_words}"),
            *("-smp", configuration.smp),
            *("-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-nic", "none"),
            *("-chardev", "stdio,id=console", "-qmp", "unix:qmp.sock"),
            *("-qmp", f"unix:{CONTROL},server=on,wait=off"),
        ]
        for directory in self.program.firmware:
            words += ["-L", directory]
        words += [word.replace("{place}", str(self._seen)) for word in configuration.words]
        return words + self._guest_words()

    def _guest_words(self) -> list[str]:
        serial = ["-serial", "chardev:console"]
        match self.configuration.guest:
            case "linux":
                line = f"console=ttyS0 quiet panic=-1 lab.fwcfg={int(self.configuration.vmcoreinfo)}"
                line += f" lab.spin={self.configuration.spin} {self.configuration.kernel_words}"
                kernel = ["-kernel", self.path("vmlinuz"), "-initrd", self.path("initramfs.gz")]
                return [*serial, *kernel, "-append", line.strip(), "-device", "vmcoreinfo"]
            case "real":
                return [*serial, "-drive", f"if=ide,format=raw,file={self.path('real.bin')}"]
            case "protected":
                return [*serial, "-kernel", self.path("protected.bin")]
            case "firmware":
                # SeaBIOS says what it does at this port (its CONFIG_DEBUG_IO).
                return ["-device", "isa-debugcon,iobase=0x402,chardev=console"]

    def _make_files(self) -> None:
        guests = cache.required("machine-guests")
        wanted = {
            "linux": (cache.required("guest") / "vmlinuz", guests / "initramfs.gz"),
            "real": (guests / "real.bin",),
            "protected": (guests / "protected.bin",),
            "firmware": (),
        }[self.configuration.guest]
        for file in wanted:
            (self.directory / file.name).write_bytes(file.read_bytes())
        if any("flash0" in word for word in self.configuration.words):
            firmware = Path(f"{self.program.root or ''}/usr/share/seabios/bios-256k.bin")
            (self.directory / "flash0").write_bytes(firmware.read_bytes())
            (self.directory / "flash1").write_bytes(b"\xff" * (256 << 10))

    def _awaited(self) -> list[str]:
        match self.configuration.guest:
            case "firmware":
                return [_NOTHING_TO_BOOT]
            case "linux":
                return [_IS_UP, "LAB: a CPU spins", "LAB: depths has its threads"]
            case _:
                return [_IS_UP]

    def _await_line(self, text: str, deadline: Deadline) -> None:
        line = self._console.first(lambda entry: text in entry or "LAB: FAILED" in entry, text, deadline)
        if "LAB: FAILED" in line:
            raise LabError(f"the guest says: {line.strip()}")

    def _started(self) -> Child:
        if self._child is None:
            raise LabError("this machine has not been started")
        return self._child

    def _listen_to_console(self) -> None:
        stream = self._started().process.stdout
        assert stream is not None
        with (self.directory / "console.log").open("wb") as log:
            for line in stream:
                log.write(line)
                log.flush()
                self._console.add(line.decode("utf-8", "replace").rstrip())
        self._console.finish(f"QEMU ended: {self._complaints()}")

    def _complaints(self) -> str:
        return (self.directory / "qemu.err").read_text(errors="replace").strip()
