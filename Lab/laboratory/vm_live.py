"""A machine that stays, for whoever wants to look into a QEMU that is alive."""

import json
import sys
import tempfile
from pathlib import Path

from . import cache, subjects, vm_configurations
from .errors import LabError
from .vm import CONTROL, VM


def keep(name: str, program: str, *, running: bool) -> None:
    """Boots a configuration, says where it is in one line of JSON on standard output, and waits for the end of input.

    It is paused then, unless `running`. It stays out of the cache's scratch directory, which others empty.
    """
    if name not in vm_configurations.ALL:
        raise LabError(f"no configuration {name}; there are: {' '.join(vm_configurations.ALL)}")
    if program not in subjects.PROGRAMS:
        raise LabError(f"no program {program}; there are: {' '.join(subjects.PROGRAMS)}")
    binary, start = subjects.PROGRAMS[program]
    cache.required(binary)
    chosen = start()
    beside = chosen.root / "lab" if chosen.root else None
    with tempfile.TemporaryDirectory(prefix="varve-vm.", dir=beside) as directory:
        vm = VM(vm_configurations.ALL[name], chosen, Path(directory))
        try:
            vm.start()
            if not running:
                vm.pause()
            known = {"pid": vm.pid, "qmp": str(vm.directory / CONTROL), "directory": directory}
            print(json.dumps(known), flush=True)
            sys.stdin.read()
        finally:
            vm.stop()
