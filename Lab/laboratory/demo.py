"""A core for a demonstration: the debug QEMU with work in flight, at the moment of asking."""

import tempfile
from pathlib import Path

from . import cache, cores, qemu_build
from .commands import run
from .machine import Machine, Program, firmware_on_host
from .steps import step


def take_core(out: Path) -> None:
    """Boots the guest, puts it under load and writes one core to `out`."""
    out = out.absolute()
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as beside:
        place = Path(beside)
        program = Program(cache.required("qemu-debug-ucontext") / qemu_build.TARGET, firmware_on_host())
        machine = Machine(program, place)
        taken = place / "core"
        log = place / "gcore.log"
        try:
            with step("booting the guest and putting it under load"):
                machine.start()
            with step("gcore"):
                run(["gdb", "-nx", "-batch", "-p", str(machine.pid), "-ex", f"gcore {taken}"], limit=120, log=log)
        finally:
            machine.stop()
        cores.keep(taken, out, log)
