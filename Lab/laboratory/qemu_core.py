"""A core of a QEMU under load, with the truth about it, all of one stop."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import cache, cores, truth
from .commands import run
from .errors import LabError
from .machine import Machine, Program
from .steps import step

# What the load must have brought about; the names stand in QEMU's own backtraces.
_WANTED = {
    "a wait for a CoMutex": "qemu_co_mutex_lock_slowpath",
    "a wait in a throttle group": "throttle_group_co_io_limits_intercept",
    "a wait for an NBD reply": "nbd_co_do_receive_one_chunk",
    "a sleep": "qemu_co_sleep",
    "a mirror job": "mirror_run",
    "a stream job": "stream_run",
    "a backup job": "backup_run",
    "a pause of a job": "job_do_yield",
}


def make(
    directory: Path,
    program: Program,
    how: str,
    backend: str | None,
    *,
    dump_guest_core: bool = True,
    stop_at: str | None = None,
) -> None:
    """Boots, describes and dumps.

    `how` is "gcore" or "abort"; `backend` None means no debug information; `stop_at` is a function to wait for.
    """
    log = directory / "build.log"
    with _place(program) as place, cores.kernel_writes_core_files():
        machine = Machine(program, place, dump_guest_core=dump_guest_core)
        try:
            with step("booting the guest and putting it under load"):
                machine.start()
            with step(f"truth and core, by {how}"):
                take(machine, directory, how, backend, stop_at)
        finally:
            machine.stop()
        if how == "abort":
            cores.keep(cores.found_in(place), directory / "core", log)
        for name in ("trace.log", "console.log"):
            (place / name).rename(directory / name)
    with step("truth by other tools"):
        executable = Path(f"{program.root or ''}{program.path}")
        truth.about_core(directory, directory / "core", executable, unwind=program.root is None)
    if backend:
        _check_load(directory)


@contextmanager
def _place(program: Program) -> Iterator[Path]:
    """A directory for the machine: inside its root if it has one, since it sees nothing else."""
    if program.root is None:
        with cache.scratch("machine") as place:
            yield place
    else:
        with tempfile.TemporaryDirectory(prefix="m", dir=program.root / "lab") as name:
            yield Path(name)


def take(machine: Machine, directory: Path, how: str, backend: str | None, stop_at: str | None) -> None:
    """The gdb session; afterwards the process is gone if `how` is "abort"."""
    core = directory / "core"
    job = {
        "pid": machine.pid,
        "directory": str(directory),
        "how": how,
        "core": str(core),
        "trace": str(machine.trace),
        "backend": backend,
        "stop_at": stop_at,
        "settings": truth.GDB_SETTINGS,
        "scripts": str(machine.program.path.parent / "scripts") if backend else None,
    }
    description = machine.directory / "job.json"
    description.write_text(json.dumps(job))
    root = machine.program.root
    executable = Path(f"{root or ''}{machine.program.path}")
    sysroot = ["-iex", f"set sysroot {root}"] if root else []
    run(
        ["gdb", "-nx", "-batch", *sysroot, "-x", cache.LAB / "truth" / "in_gdb.py", executable],
        limit=300,
        log=directory / "gdb.log",
        env={"LAB_JOB": str(description)},
    )
    if how == "abort":
        machine.wait_for_end()
    else:
        cores.keep(core, core, directory / "gdb.log")


def _check_load(directory: Path) -> None:
    # A coroutine that was running at that moment stands in its thread's backtrace.
    text = "".join((directory / name).read_text() for name in ("coroutines.txt", "bt.txt"))
    if missing := [what for what, name in _WANTED.items() if name not in text]:
        raise LabError(f"the load did not bring about: {', '.join(missing)}; see coroutines.txt")
