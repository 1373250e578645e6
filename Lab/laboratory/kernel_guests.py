"""The programs that run in the kernels' guests, and an initramfs for each kernel."""

import gzip
import shutil
from pathlib import Path

from . import cache
from .commands import run
from .errors import LabError

# guest.py is part of the stamp of every core: giving this class a public name would make them all stale.
from .guest import _Newc as Newc

SOURCES = cache.LAB / "kernels"
SUBJECT = "kernel-programs"
_PROGRAMS = ("inhabitants", "threads", "busy", "witness")
_COMPILE = ("gcc", "-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Wno-format-truncation", "-static", "-pthread")


def inputs() -> list[str]:
    return [f"{path.name} {cache.file_digest(path)}" for path in sorted(SOURCES.iterdir())]


def make(directory: Path) -> None:
    """Makes the programs and `base.gz`: everything of an initramfs but a kernel's modules."""
    log = directory / "build.log"
    busybox = shutil.which("busybox")
    if busybox is None:
        raise LabError("busybox is missing: `Lab/lab packages` installs it")
    image = Newc()
    for name in ("bin", "dev", "proc", "sys", "tmp"):
        image.directory(name)
    image.console("dev/console")
    image.file("init", (SOURCES / "init").read_bytes(), executable=True)
    image.file("bin/busybox", Path(busybox).read_bytes(), executable=True)
    for name in _PROGRAMS:
        run([*_COMPILE, "-o", directory / name, SOURCES / f"{name}.c"], limit=120, log=log)
        image.file(f"bin/{name}", (directory / name).read_bytes(), executable=True)
    (directory / "base.gz").write_bytes(gzip.compress(image.end(), 6, mtime=0))


def initramfs(kernel: Path) -> bytes:
    """For the kernel unpacked in that directory. Linux unpacks archives that follow one another into one tree."""
    image = Newc()
    image.directory("modules")
    for file in sorted((kernel / "modules").iterdir()):
        image.file(f"modules/{file.name}", file.read_bytes())
    return (cache.required(SUBJECT) / "base.gz").read_bytes() + gzip.compress(image.end(), 1, mtime=0)
