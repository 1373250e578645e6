"""A machine that runs one of Debian's kernels: cores, QEMU's own dump, and what was seen inside, all of one pause."""

import json
import os
import signal
from pathlib import Path

from . import cache, cores, kernel_truth, vm_core
from .commands import output_of
from .kernel_vm import KernelVM, Scenario
from .kernels import Kernel
from .machine import Program
from .steps import step
from .waiting import Deadline

FILES = {**vm_core.FILES, **kernel_truth.FILES, "stripped_core": "stripped-core"}


def make(directory: Path, kernel: Kernel, scenario: Scenario, program: Program, twin: Program | None) -> None:
    """Boots, waits for the scenario's stop, describes and dumps.

    `twin` is another QEMU of the same version: it takes over the stopped machine, and a core of it is taken too.
    """
    log = directory / "build.log"
    with cache.scratch("machine") as place, cores.kernel_writes_core_files():
        vm = KernelVM(kernel, scenario, program, place)
        try:
            with step("booting"):
                vm.start()
            with step("the witness"):
                vm.pause()
                found = vm.records()
            kernel_truth.write(directory, found)
            vm_core._describe(vm, directory)
            symbols = kernel_truth.Symbols(found["/proc/kallsyms"].decode())
            states = kernel_truth.cpu_states((directory / "registers.txt").read_text(), symbols)
            (directory / "cpu-states.json").write_text(json.dumps(states, indent=1) + "\n")
            with step("gcore"):
                vm_core._gcore(vm, directory)
            with step("QEMU's own dump"):
                vm_core._dump(vm, directory / "qmp.elf", log)
            if twin is not None:
                with step("a core of its twin"):
                    _take_over(vm, twin, directory)
        finally:
            vm.stop()
        (place / "console.log").rename(directory / "console.log")
    for name, option in {"readelf-n.txt": "-nW", "readelf-l.txt": "-lW"}.items():
        (directory / name).write_text(output_of(["readelf", option, directory / "core"]))
    vm_core._check_note(vm.configuration, directory / "qmp.elf")


def _take_over(vm: KernelVM, twin: Program, directory: Path) -> None:
    """The machine moves to another QEMU as in a migration, and doesn't run there; the kernel takes that one's core."""
    state = vm.directory / "state"
    since = vm.qmp.position()
    vm.qmp.execute("migrate-set-capabilities", {"capabilities": [{"capability": "events", "state": True}]})
    vm.qmp.execute("migrate", {"uri": f"exec:cat > {state}"})
    vm.qmp.event("MIGRATION", Deadline(120), since, status="completed")
    with cache.scratch("twin") as place, cores.kernel_writes_core_files():
        other = KernelVM(vm.kernel, vm.scenario, twin, place)
        other.incoming = state
        try:
            other.start()
            other.await_arrival(Deadline(120))
            os.kill(other.pid, signal.SIGABRT)
            other.wait_for_end()
        finally:
            other.stop()
        cores.keep(cores.found_in(place), directory / "stripped-core", directory / "build.log")
