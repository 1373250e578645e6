"""Cores: where the kernel puts them, and how they are kept small."""

import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .commands import run
from .errors import LabError
from .steps import say

_PATTERN = Path("/proc/sys/kernel/core_pattern")


@contextmanager
def kernel_writes_core_files() -> Iterator[None]:
    """The kernel writes `core` into a crashing process's directory; another setting is put back afterwards."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    if hard != resource.RLIM_INFINITY and hard < 8 << 30:
        raise LabError(f"core files are limited to {hard} bytes here (ulimit -Hc): raise that limit")
    before = _PATTERN.read_text()
    if before.strip() == "core":
        yield
        return
    say(f"kernel.core_pattern is {before.strip()!r}; it is set to 'core' for a while")
    try:
        _PATTERN.write_text("core")
    except OSError as error:
        raise LabError(f"{_PATTERN} is {before.strip()!r} and cannot be set to 'core': {error.strerror}") from error
    try:
        yield
    finally:
        _PATTERN.write_text(before)
        say(f"kernel.core_pattern is {before.strip()!r} again")


def found_in(directory: Path) -> Path:
    """The core that the kernel wrote, named `core` or `core.PID`."""
    cores = list(directory.glob("core*"))
    if len(cores) != 1:
        raise LabError(f"{directory}: expected one core file, found {len(cores)}")
    return cores[0]


def keep(core: Path, final: Path, log: Path) -> None:
    """Moves a core to its place, with holes where it is zero, readable by its owner alone."""
    run(["fallocate", "--dig-holes", core], limit=120, log=log)
    shutil.move(core, final)
    final.chmod(0o600)
