"""Child processes: every one has a time limit, and none outlives the laboratory."""

import atexit
import ctypes
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import IO

from .errors import LabError

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_running: set["Child"] = set()


class Child:
    """A process in a group of its own; with `root`, one that sees only that directory (`cwd` is then a path in it)."""

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: int | IO[bytes] | None = subprocess.DEVNULL,
        stdout: int | IO[bytes] | None = None,
        stderr: int | IO[bytes] | None = None,
        core_files: bool = False,
        root: Path | None = None,
    ) -> None:
        self.argv = [str(word) for word in argv]

        def before_exec() -> None:
            if root is not None:
                os.chroot(root)
                os.chdir(cwd or "/")
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if core_files:
                _, hard = resource.getrlimit(resource.RLIMIT_CORE)
                resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))

        if root is not None and os.geteuid() != 0:
            raise LabError(f"{self.argv[0]} is to run inside {root}: that takes root's rights")
        try:
            self.process = subprocess.Popen(
                self.argv,
                cwd=None if root else cwd,
                env={**os.environ, **(env or {})},
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
                preexec_fn=before_exec,
            )
        except OSError as error:
            raise LabError(f"{self.argv[0]}: {error.strerror}; `Lab/lab packages` installs what is needed") from error
        _running.add(self)

    @property
    def pid(self) -> int:
        return self.process.pid

    def wait(self, limit: float) -> int:
        """Waits for the end; a negative answer is the signal that ended it."""
        try:
            code = self.process.wait(limit)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise LabError(f"{self.argv[0]}: not finished after {limit:.0f} s") from error
        _running.discard(self)
        return code

    def kill(self) -> None:
        """Ends the whole group at once; harmless when it has ended."""
        if self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        _running.discard(self)


def run(
    argv: Sequence[str | Path],
    *,
    limit: float,
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    may_fail: bool = False,
) -> int:
    """Runs a command with everything it prints in `log`; a failure shows the log's end."""
    with log.open("ab") as sink:
        child = Child(argv, cwd=cwd, env=env, stdout=sink, stderr=subprocess.STDOUT)
        try:
            code = child.wait(limit)
        except LabError as error:
            raise LabError(f"{error}\n{_tail(log)}") from error
    if code != 0 and not may_fail:
        raise LabError(f"`{' '.join(child.argv)}` ended with {code}:\n{_tail(log)}")
    return code


def output_of(
    argv: Sequence[str | Path],
    *,
    limit: float = 120,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    may_fail: bool = False,
) -> str:
    """What a command prints on standard output."""
    child = Child(argv, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        out, complaint = child.process.communicate(timeout=limit)
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{child.argv[0]}: not finished after {limit:.0f} s") from error
    finally:
        child.kill()
    if child.process.returncode != 0 and not may_fail:
        raise LabError(f"`{' '.join(child.argv)}` ended with {child.process.returncode}: {_text(complaint)[-2000:]}")
    return _text(out)


def end_all() -> None:
    """Ends every process that the laboratory started and that still runs."""
    for child in list(_running):
        child.kill()


def end_all_on_exit() -> None:
    """Makes the usual ways of stopping a program stop its children too."""

    def stop(number: int, _frame: FrameType | None) -> None:
        end_all()
        sys.exit(128 + number)

    atexit.register(end_all)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def _tail(log: Path, lines: int = 25) -> str:
    return "\n".join(_text(log.read_bytes()).splitlines()[-lines:])
