"""A running QEMU with the guest in it, and work that keeps coroutines in every state that matters.

| disk | node graph | coroutines in it |
|---|---|---|
| vda | raw file, throttled by its drive | wait in the throttle group's queue |
| vdb | qcow2 on a throttled file, small cache | one reads a table under the lock, others wait for the lock |
| vdc | raw file in iothread `io0`, throttled | wait in the throttle group's queue, in another thread |
| vdd | NBD server that doesn't answer | wait for a reply |

Block jobs: `slow-mirror` sleeps between two portions, `paused-mirror` is paused, `stuck-backup` reads from a disk that
takes a day, `slow-stream` waits for its turn. A burst of unthrottled requests before all that fills the coroutine pool.
"""

import json
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path

from . import cache
from .commands import Child, output_of
from .errors import LabError
from .qmp import JSON, QMP
from .sockets import listener
from .stalled_nbd import StalledDisk
from .waiting import Deadline, Journal

MEMORY_MIB = 256
VCPUS = 2
_DAY_NS = 24 * 3600 * 10**9
_MIB = 1 << 20

TRACED = (
    "qemu_aio_coroutine_enter",
    "qemu_coroutine_yield",
    "qemu_coroutine_terminate",
    "qemu_co_mutex_lock_entry",
    "qemu_co_mutex_lock_return",
)

# Disks with the number of threads that read and that write, as guest/init takes them.
_LOAD = {"vda": (6, 0), "vdb": (6, 2), "vdc": (4, 0), "vdd": (3, 0)}


@dataclass(frozen=True)
class Program:
    """A QEMU to run."""

    path: Path
    firmware: tuple[str, ...]
    root: Path | None = None  # a directory to chroot into; `path` and `firmware` are then paths inside it


@dataclass
class Machine:
    """A QEMU whose guest is under load; `directory` holds its disks, sockets, logs, and its core if it dies."""

    program: Program
    directory: Path
    dump_guest_core: bool = True
    _console: Journal[str] = field(default_factory=lambda: Journal("the guest's console"))
    _child: Child | None = None
    _stalled: StalledDisk | None = None
    _listener: threading.Thread | None = None

    def __post_init__(self) -> None:
        self._seen = self.directory
        if self.program.root is not None:
            self._seen = Path("/") / self.directory.relative_to(self.program.root)
        self.trace = self.directory / "trace.log"
        self.console_log = self.directory / "console.log"

    def start(self) -> None:
        """Boots, and returns when every kind of work is in flight."""
        deadline = Deadline(240)
        self._make_disks()
        self._stalled = StalledDisk(self.directory / "stalled.sock")
        monitor = listener(self.directory / "qmp.sock")
        monitor.settimeout(60)
        complaints = (self.directory / "qemu.err").open("wb")
        self._child = Child(
            self.command_line(),
            cwd=self._seen,
            root=self.program.root,
            stdout=subprocess.PIPE,
            stderr=complaints,
            core_files=True,
        )
        self._listener = threading.Thread(target=self._listen_to_console, daemon=True)
        self._listener.start()
        try:
            with monitor:
                connection, _ = monitor.accept()
        except TimeoutError as error:
            raise LabError(f"QEMU did not connect its monitor: {self._complaints()}") from error
        self.qmp = QMP(connection)
        self.await_line("LAB: init has started everything", deadline)
        self.await_line("LAB: depths has its threads", deadline)
        for disk in _LOAD:
            self.await_line(f"LAB: /dev/{disk} is under load", deadline)
            self.await_line(f"LAB: /dev/{disk} has answered", deadline)
        self._throttle()
        self._start_jobs(deadline)
        self._stalled.stall()
        self._stalled.wait_for_held(3, deadline)

    @property
    def pid(self) -> int:
        return self._started().pid

    def wait_for_end(self) -> None:
        """Waits until QEMU has died of what was done to it."""
        self._started().wait(60)

    def await_line(self, text: str, deadline: Deadline) -> None:
        """Waits for a line of the guest's console; a failure that the guest reports ends the wait."""
        line = self._console.first(lambda entry: text in entry or "LAB: FAILED" in entry, text, deadline)
        if "LAB: FAILED" in line:
            raise LabError(f"the guest says: {line.strip()}")

    def _started(self) -> Child:
        if self._child is None:
            raise LabError("this machine has not been started")
        return self._child

    def stop(self) -> None:
        """Ends QEMU, if it still runs."""
        if self._child:
            self._child.kill()
        if self._listener:
            self._listener.join(30)
        if self._stalled:
            self._stalled.close()

    def _path(self, name: str) -> str:
        """A file of this machine, by the name that QEMU knows it by."""
        return str(self._seen / name)

    def command_line(self) -> list[str]:
        guest = cache.required("guest")
        if self.program.root is None:
            kernel, initramfs = str(guest / "vmlinuz"), str(guest / "initramfs.gz")
        else:
            for name in ("vmlinuz", "initramfs.gz"):
                (self.directory / name).write_bytes((guest / name).read_bytes())
            kernel, initramfs = self._path("vmlinuz"), self._path("initramfs.gz")
        load = ",".join(f"{disk}:{readers}:{writers}" for disk, (readers, writers) in _LOAD.items())
        words = [
            str(self.program.path),
            "-name", "varve-lab,debug-threads=on",
            "-accel", "tcg,tb-size=64",
            "-machine", f"pc,dump-guest-core={'on' if self.dump_guest_core else 'off'}",
            "-m", str(MEMORY_MIB), "-smp", str(VCPUS),
            "-nodefaults", "-no-user-config", "-display", "none", "-nic", "none",
            "-serial", "stdio",
            "-qmp", "unix:qmp.sock",
            "-kernel", kernel, "-initrd", initramfs,
            "-append", f"console=ttyS0 quiet panic=-1 lab.load={load}",
            "-object", "iothread,id=io0", "-object", "throttle-group,id=metadata",
            "-D", self._path("trace.log"),
        ]  # fmt: skip
        for directory in self.program.firmware:
            words += ["-L", directory]
        for event in TRACED:
            words += ["-trace", event]
        for disk, options in self._drives().items():
            words += ["-drive", options]
            thread = ",iothread=io0" if disk == "vdc" else ""
            words += ["-device", f"virtio-blk-pci,drive={disk},id={disk}-device{thread}"]
        return words

    def _drives(self) -> dict[str, str]:
        def raw(disk: str) -> str:
            return f"if=none,id={disk},format=raw,file={self._path(disk + '.raw')}"

        qcow2 = {
            "driver": "qcow2",
            "l2-cache-entry-size": 4096,
            "l2-cache-size": 4096 * 2,
            "file": {
                "driver": "throttle",
                "throttle-group": "metadata",
                "file": {"driver": "file", "filename": self._path("vdb.qcow2")},
            },
        }
        return {
            "vda": raw("vda"),
            "vdb": f"if=none,id=vdb,file=json:{_escaped(json.dumps(qcow2))}",
            "vdc": raw("vdc"),
            "vdd": "if=none,id=vdd,format=raw,file.driver=nbd,file.server.type=unix,file.server.path=stalled.sock",
        }

    def _make_disks(self) -> None:
        for name in ("vda", "vdc", "paused"):
            with (self.directory / f"{name}.raw").open("wb") as disk:
                disk.truncate(64 * _MIB)
        (self.directory / "mirrored.raw").write_bytes(b"data" * (16 * _MIB))  # holes would not be read
        self._qemu_img("create", "-q", "-f", "qcow2", "-o", "preallocation=metadata", "vdb.qcow2", "4G")
        self._qemu_img("create", "-q", "-f", "raw", "base.raw", "64M")
        self._qemu_img("create", "-q", "-f", "qcow2", "-b", "base.raw", "-F", "raw", "overlay.qcow2")

    def _qemu_img(self, *words: str) -> None:
        output_of(["qemu-img", *words], cwd=self.directory)

    def _throttle(self) -> None:
        """Slows the disks down only now, so that the boot isn't slow and the pool has been filled."""
        limits = {"iops": 4, **dict.fromkeys(("bps", "bps_rd", "bps_wr", "iops_rd", "iops_wr"), 0)}
        for disk in ("vda", "vdc"):
            self.qmp.execute("block_set_io_throttle", {"device": disk, **limits})
        metadata = {"path": "/objects/metadata", "property": "limits", "value": {"iops-total": 4}}
        self.qmp.execute("qom-set", metadata)

    def _start_jobs(self, deadline: Deadline) -> None:
        """Starts the block jobs. Each start waits for all requests of all disks, so those that never end come last."""

        def node(name: str, driver: str, **options: object) -> None:
            self.qmp.execute("blockdev-add", {"node-name": name, "driver": driver, **options})

        for name in ("mirrored", "paused"):
            node(name, "file", filename=self._path(f"{name}.raw"))
        node("overlay", "qcow2", file={"driver": "file", "filename": self._path("overlay.qcow2")})
        node("tardy", "null-co", **{"size": 64 * _MIB, "latency-ns": _DAY_NS})
        for name in ("sink1", "sink2", "sink3"):
            node(name, "null-co", size=64 * _MIB)
        full: JSON = {"sync": "full"}
        steady: JSON = {"speed": _MIB, "buf-size": _MIB}  # one portion each second
        slow: JSON = {"speed": 256 << 10}
        jobs: dict[str, tuple[str, JSON]] = {
            "slow-mirror": ("blockdev-mirror", {"device": "mirrored", "target": "sink1", **full, **steady}),
            "paused-mirror": ("blockdev-mirror", {"device": "paused", "target": "sink2", **full, **slow}),
            "slow-stream": ("block-stream", {"device": "overlay", **slow}),
            "stuck-backup": ("blockdev-backup", {"device": "tardy", "target": "sink3", **full}),
        }
        for job, (command, arguments) in jobs.items():
            since = self.qmp.position()
            self.qmp.execute(command, {"job-id": job, **arguments})
            self.qmp.event("JOB_STATUS_CHANGE", deadline, since, id=job, status="running")
        since = self.qmp.position()
        self.qmp.execute("job-pause", {"id": "paused-mirror"})
        self.qmp.event("JOB_STATUS_CHANGE", deadline, since, id="paused-mirror", status="paused")

    def _listen_to_console(self) -> None:
        stream = self._started().process.stdout
        assert stream is not None
        with self.console_log.open("wb") as log:
            for line in stream:
                log.write(line)
                log.flush()
                self._console.add(line.decode("utf-8", "replace").rstrip())
        self._console.finish(f"QEMU ended: {self._complaints()}")

    def _complaints(self) -> str:
        return (self.directory / "qemu.err").read_text(errors="replace").strip()


def _escaped(text: str) -> str:
    """A value inside a comma-separated option."""
    return text.replace(",", ",,")


def firmware_on_host() -> tuple[str, ...]:
    return ("/usr/share/qemu", "/usr/share/seabios")
