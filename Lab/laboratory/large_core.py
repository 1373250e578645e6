"""A core of more than 2 GiB to measure with: the load of the other cores on a guest whose RAM is full of data."""

import os
import random
import signal
from itertools import pairwise
from pathlib import Path

from . import cache, cores
from .commands import run
from .errors import LabError
from .machine import MEMORY_MIB, Machine, Program
from .steps import step

GUEST_MIB = 2560
_PAGE = 4096


class LargeMachine(Machine):
    """The machine with ten times the RAM."""

    def command_line(self) -> list[str]:
        words = super().command_line()
        place = words.index("-m") + 1
        if words[place] != str(MEMORY_MIB):
            raise LabError(f"-m is followed by {words[place]}, not {MEMORY_MIB}")
        words[place] = str(GUEST_MIB)
        return words


def make(directory: Path, program: Program) -> None:
    """Boots, fills the RAM that the guest has not used yet, and takes a core with gcore."""
    log = directory / "build.log"
    with cache.scratch("machine") as place:
        machine = LargeMachine(program, place)
        try:
            with step("booting the guest and putting it under load"):
                machine.start()
            with step(f"filling {GUEST_MIB} MiB of RAM and gcore"):
                os.kill(machine.pid, signal.SIGSTOP)
                _fill_unused_ram(machine.pid)
                core = directory / "core"
                run(["gdb", "-nx", "-batch", "-p", str(machine.pid), "-ex", f"gcore {core}"], limit=240, log=log)
        finally:
            machine.stop()
    cores.keep(core, core, log)


def _fill_unused_ram(pid: int) -> None:
    """Writes noise to the guest's pages that nobody has touched: to the guest they are free memory.

    A guest that has long been up has old data there. Pages that were never written would be holes in the core,
    and whoever searches it would find nothing to do.
    """
    start, end = _ram(pid)
    noise = random.Random(1).randbytes(16 << 20)
    with Path(f"/proc/{pid}/pagemap").open("rb") as pagemap, Path(f"/proc/{pid}/mem").open("r+b", 0) as memory:
        pagemap.seek(start // _PAGE * 8)
        entries = memoryview(pagemap.read((end - start) // _PAGE * 8)).cast("Q")
        # Bits 63 and 62: present, swapped (admin-guide/mm/pagemap.rst of the kernel's documentation).
        used = [page for page, entry in enumerate(entries) if entry >> 62]
        for before, after in pairwise([-1, *used, len(entries)]):
            for page in range(before + 1, after, len(noise) // _PAGE):
                count = min(after - page, len(noise) // _PAGE)
                memory.seek(start + page * _PAGE)
                memory.write(noise[: count * _PAGE])


def _ram(pid: int) -> tuple[int, int]:
    """The mapping that is the guest's RAM."""
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        start, end = (int(number, 16) for number in line.split()[0].split("-"))
        if end - start == GUEST_MIB << 20:
            return start, end
    raise LabError(f"no mapping of {GUEST_MIB} MiB in process {pid}")
