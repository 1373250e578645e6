"""QEMU's own dump of a machine, what its monitor says, and a core of its process: all of one pause."""

import json
import os
import shlex
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import cache, cores
from .commands import Child, output_of, run
from .errors import LabError
from .machine import Program
from .steps import step
from .vm import VM
from .vm_configurations import RAM_FILE, Configuration
from .waiting import Deadline

# Manifest key -> file beside the core.
FILES = {
    "qmp_dump": "qmp.elf",
    "mtree": "mtree.txt",
    "mtree_regions": "mtree-regions.txt",
    "registers": "registers.txt",
    "ram_blocks": "ramblock.txt",
    "roms": "roms.txt",
    "memory_devices": "memory-devices.json",
    "memory_backends": "memory-backends.json",
    "version": "version.json",
    "cpus": "cpus.json",
    "command_line": "command-line.txt",
    "maps": "maps.txt",
    "console": "console.log",
    "readelf_notes": "readelf-n.txt",
    "readelf_segments": "readelf-l.txt",
}

_ASKED = {
    "mtree.txt": "info mtree -f",
    "mtree-regions.txt": "info mtree",
    "registers.txt": "info registers -a",
    "ramblock.txt": "info ramblock",
    "roms.txt": "info roms",
}
_QUERIED = {
    "memory-devices.json": "query-memory-devices",
    "memory-backends.json": "query-memdev",
    "version.json": "query-version",
    "cpus.json": "query-cpus-fast",
}


def make(directory: Path, configuration: Configuration, program: Program, how: str, *, dump: bool = True) -> None:
    """Boots, pauses, describes and dumps. `how` is "gcore" or "abort"; `dump` is whether QEMU writes its own dump too.

    gcore runs before QEMU's own dump, so that the process has no buffers of that dump in it; abort has to run last.
    """
    log = directory / "build.log"
    with place_for(program) as place, cores.kernel_writes_core_files():
        vm = VM(configuration, program, place)
        try:
            with step("booting"):
                vm.start()
                vm.pause()
            _describe(vm, directory)
            if how == "gcore":
                with step("gcore"):
                    _gcore(vm, directory)
            if dump:
                with step("QEMU's own dump"):
                    _dump(vm, directory / "qmp.elf", log)
            if how == "abort":
                with step("the kernel's core"):
                    os.kill(vm.pid, signal.SIGABRT)
                    vm.wait_for_end()
        finally:
            vm.stop()
        if how == "abort":
            cores.keep(cores.found_in(place), directory / "core", log)
        (place / "console.log").rename(directory / "console.log")
        if configuration.ram_file:
            cores.keep(place / RAM_FILE, directory / RAM_FILE, log)
    for name, option in {"readelf-n.txt": "-nW", "readelf-l.txt": "-lW"}.items():
        (directory / name).write_text(output_of(["readelf", option, directory / "core"]))
    if dump:
        _check_note(configuration, directory / "qmp.elf")


@contextmanager
def place_for(program: Program) -> Iterator[Path]:
    """A directory for the machine: inside its root if it has one, since it sees nothing else."""
    if program.root is None:
        with cache.scratch("machine") as place:
            yield place
    else:
        with tempfile.TemporaryDirectory(prefix="m", dir=program.root / "lab") as name:
            yield Path(name)


def _describe(vm: VM, directory: Path) -> None:
    for name, command in _ASKED.items():
        (directory / name).write_text(vm.ask(command))
    for name, command in _QUERIED.items():
        (directory / name).write_text(json.dumps(vm.qmp.execute(command), indent=1) + "\n")
    (directory / "command-line.txt").write_text(shlex.join(vm.command_line()) + "\n")
    (directory / "maps.txt").write_text(Path(f"/proc/{vm.pid}/maps").read_text())


def _gcore(vm: VM, directory: Path) -> None:
    core = directory / "core"
    sysroot = ["-iex", f"set sysroot {vm.program.root}"] if vm.program.root else []
    # As Debian's gcore does it: no symbols are needed.
    words = ["gdb", "-nx", "-batch", "--readnever", *sysroot, "-p", str(vm.pid), "-ex", f"gcore {core}"]
    log = directory / "gdb.log"
    run(words, limit=300, log=log)
    if not core.exists():
        raise LabError(f"gdb took no core; see {log}")
    cores.keep(core, core, log)


def _dump(vm: VM, target: Path, log: Path) -> None:
    """QEMU writes guest memory in full, so it goes through a pipe to where zeros become holes."""
    pipe = vm.directory / "dump"
    os.mkfifo(pipe, 0o600)
    with log.open("ab") as sink:
        words = ["dd", f"if={pipe}", f"of={target}", "bs=64K", "iflag=fullblock", "conv=sparse"]
        writer = Child(words, stdout=sink, stderr=sink)
        since = vm.qmp.position()
        arguments = {"paging": False, "protocol": f"file:{vm.path('dump')}", "format": "elf", "detach": True}
        vm.qmp.execute("dump-guest-memory", arguments)
        done = vm.qmp.event("DUMP_COMPLETED", Deadline(300), since)
        if "error" in done["data"]:
            raise LabError(f"dump-guest-memory: {done['data']['error']}")
        if writer.wait(300) != 0:
            raise LabError(f"dd failed; see {log}")
    cores.keep(target, target, log)


def _check_note(configuration: Configuration, dump: Path) -> None:
    """The guest's driver must have done what the configuration says."""
    has_note = "VMCOREINFO" in output_of(["readelf", "-nW", dump])
    if has_note != configuration.has_note:
        raise LabError(f"{configuration.name}: QEMU's dump has {'a' if has_note else 'no'} VMCOREINFO note")
