"""A guest with one of Debian's kernels that stays, stopped in its scenario, for whoever wants to look at it."""

import json
import sys
import tempfile
from pathlib import Path

from . import cache, kernel_guests, kernels, subjects
from .errors import LabError
from .kernel_vm import SCENARIOS, KernelVM
from .vm import CONTROL


def keep(kernel: str, scenario: str) -> None:
    """Says where it is in one line of JSON on standard output, and waits for the end of input."""
    if kernel not in kernels.ALL or scenario not in SCENARIOS:
        raise LabError(f"there are the kernels {' '.join(kernels.ALL)} and the scenarios {' '.join(SCENARIOS)}")
    binary, start = subjects.PROGRAMS["debug"]
    for needed in (binary, kernel_guests.SUBJECT):
        cache.required(needed)
    with tempfile.TemporaryDirectory(prefix="varve-kernel.") as directory:
        vm = KernelVM(kernels.ALL[kernel], SCENARIOS[scenario], start(), Path(directory))
        try:
            vm.start()
            vm.pause()
            print(json.dumps({"pid": vm.pid, "qmp": str(vm.directory / CONTROL), "directory": directory}), flush=True)
            sys.stdin.read()
        finally:
            vm.stop()
