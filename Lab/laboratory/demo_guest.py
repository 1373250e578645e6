"""A guest for a demonstration: an appliance whose first process dies of what it wrote long before."""

import gzip
from pathlib import Path

from . import cache
from .commands import run

# guest.py is part of the stamp of every core: giving this class a public name would make them all stale.
from .guest import _Newc as Newc

_COMPILE = ("gcc", "-std=gnu11", "-Og", "-g", "-Wall", "-Wextra", "-static", "-no-pie")


def make(out: Path) -> None:
    """Makes the directory `out` with `appliance`, which has debug information, and `initramfs.gz`, whose init it is."""
    out.mkdir(parents=True, exist_ok=True)
    program = out / "appliance"
    source = cache.LAB / "demo/appliance.c"
    run([*_COMPILE, "-o", program, source], limit=120, log=out / "build.log")
    image = Newc()
    for name in ("dev", "proc"):
        image.directory(name)
    image.console("dev/console")
    image.file("init", program.read_bytes(), executable=True)
    (out / "initramfs.gz").write_bytes(gzip.compress(image.end(), 6, mtime=0))
