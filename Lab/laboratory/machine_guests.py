"""What runs in the machines whose memory is compared: the guest's kernel with another init, and two tiny kernels."""

import gzip
from pathlib import Path

from . import cache
from .commands import run

# guest.py is part of the stamp of every core: giving this class a public name would make them all stale.
from .guest import _Newc as Newc

SOURCES = cache.LAB / "machines"
_TINY = ("real", "protected")
_COMPILE = ("gcc", "-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-static")


def inputs() -> list[str]:
    return [f"{path.name} {cache.file_digest(path)}" for path in sorted(SOURCES.iterdir())]


def make(directory: Path) -> None:
    """Makes `initramfs.gz`, its program `spin`, the boot sector `real.bin`, the multiboot kernel `protected.bin`."""
    log = directory / "build.log"
    spin = directory / "spin"
    run([*_COMPILE, "-o", spin, SOURCES / "spin.c"], limit=120, log=log)
    for name in _TINY:
        made = directory / f"{name}.o"
        run(["gcc", "-c", "-m32", "-o", made, SOURCES / f"{name}.s"], limit=60, log=log)
        flat = ("-Ttext", "0", "--oformat", "binary")
        run(["ld", "-m", "elf_i386", *flat, "-o", directory / f"{name}.bin", made], limit=60, log=log)
        made.unlink()

    # The kernel unpacks archives that follow one another into one tree; a later file replaces an earlier one.
    image = Newc()
    image.file("init", (SOURCES / "init").read_bytes(), executable=True)
    image.file("bin/spin", spin.read_bytes(), executable=True)
    ours = gzip.compress(image.end(), 6, mtime=0)
    (directory / "initramfs.gz").write_bytes((cache.required("guest") / "initramfs.gz").read_bytes() + ours)
