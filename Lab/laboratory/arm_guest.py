"""A guest for aarch64: Debian's arm64 cloud kernel and busybox, unpacked, so that no cross compiler is needed."""

import gzip
import shutil
from pathlib import Path

from . import cache
from .archive import BOOKWORM_ARM64
from .errors import LabError
from .machine_guests import Newc
from .steps import step

SUBJECT = "guest-arm64"
_INIT = cache.LAB / "arm" / "init"
_BUSYBOX = "busybox-static"


def _kernel_package() -> str:
    names = BOOKWORM_ARM64.depends("linux-image-cloud-arm64")
    return next(name for name in names if name.startswith("linux-image-"))


def inputs() -> list[str]:
    packages = (_kernel_package(), _BUSYBOX)
    return [*(f"{name} {BOOKWORM_ARM64.version(name)}" for name in packages), cache.file_digest(_INIT)]


def make(directory: Path) -> None:
    """Makes `vmlinuz` and `initramfs.gz`."""
    with cache.scratch("arm64") as place:
        for package in (_kernel_package(), _BUSYBOX):
            with step(f"unpacking {package} for arm64"):
                BOOKWORM_ARM64.unpack(package, place)
        kernels = [*place.glob("boot/vmlinuz-*")]
        if len(kernels) != 1:
            raise LabError(f"{_kernel_package()}: {len(kernels)} files are named vmlinuz")
        shutil.copy(kernels[0], directory / "vmlinuz")
        (directory / "kernel-release").write_text(kernels[0].name.removeprefix("vmlinuz-") + "\n")
        busybox = (place / "bin/busybox").read_bytes()
    image = Newc()
    for name in ("bin", "dev", "proc", "sys"):
        image.directory(name)
    image.file("init", _INIT.read_bytes(), executable=True)
    image.file("bin/busybox", busybox, executable=True)
    image.console("dev/console")
    (directory / "initramfs.gz").write_bytes(gzip.compress(image.end(), 6, mtime=0))
