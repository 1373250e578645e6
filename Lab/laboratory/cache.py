"""Where made things are kept, and when they have to be made again.

A subject is a directory below `subjects/`. It is made under another name and renamed when it is complete, so one that
exists is whole. Its file `.stamp` holds a hash of everything that it was made from.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import LabError

LAB = Path(__file__).resolve().parent.parent


def root() -> Path:
    """The cache directory, made when missing. It holds memory images, so it is the owner's alone."""
    if named := os.environ.get("VARVE_LAB"):
        path = Path(named)
    else:
        path = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "varve-lab"
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path.resolve()


def subject_directory(name: str) -> Path:
    return root() / "subjects" / name


def scratch_directory() -> Path:
    path = root() / "scratch"
    path.mkdir(exist_ok=True)
    return path


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    """A directory that is gone afterwards."""
    path = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=scratch_directory()))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def locked() -> Iterator[None]:
    """Only one laboratory at a time makes things; another one waits here."""
    from .steps import say

    with (root() / "lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another laboratory is at work in this cache; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        shutil.rmtree(root() / "scratch", ignore_errors=True)  # what an interrupted run left
        yield


def stamp_of(parts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


def file_digest(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def stamp_on_disk(name: str) -> str | None:
    try:
        return (subject_directory(name) / ".stamp").read_text()
    except FileNotFoundError:
        return None


@contextmanager
def making(name: str, stamp: str) -> Iterator[Path]:
    """A new directory for the subject, which takes the old one's place if the body succeeds.

    After a failure it stands in `failed/`, so that its logs can be read.
    """
    final = subject_directory(name)
    final.parent.mkdir(exist_ok=True)
    with scratch(name) as place:
        made = place / "made"
        made.mkdir(mode=0o755)
        try:
            yield made
        except LabError as error:
            failed = root() / "failed" / name
            shutil.rmtree(failed, ignore_errors=True)
            failed.parent.mkdir(exist_ok=True)
            made.rename(failed)
            raise LabError(f"{error}\nlab: what there is of {name} is in {failed}") from error
        (made / ".stamp").write_text(stamp)
        if final.exists():
            final.rename(place / "old")
        made.rename(final)
        shutil.rmtree(root() / "failed" / name, ignore_errors=True)


def write_atomically(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text)
    beside.replace(path)


def required(name: str) -> Path:
    """The directory of a subject that must have been made."""
    path = subject_directory(name)
    if not (path / ".stamp").exists():
        raise LabError(f"{name} has not been made: run `Lab/lab build {name}`")
    return path
