"""The guest: Debian's cloud kernel, unpacked and not installed, and an initramfs with the laboratory's own programs."""

import gzip
import io
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from . import cache
from .archive import BOOKWORM
from .commands import run
from .errors import LabError
from .steps import step

# In the order in which they have to be loaded.
_MODULES = (
    "virtio_ring",
    "virtio",
    "virtio_pci_modern_dev",
    "virtio_pci_legacy_dev",
    "virtio_pci",
    "virtio_blk",
    "qemu_fw_cfg",
)
_PROGRAMS = ("depths", "load")
_COMPILE = ("gcc", "-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-fno-optimize-sibling-calls", "-static", "-pthread")


def _kernel_package() -> str:
    return next(name for name in BOOKWORM.depends("linux-image-cloud-amd64") if name.startswith("linux-image-"))


def inputs() -> list[str]:
    package = _kernel_package()
    files = sorted((cache.LAB / "guest").iterdir())
    return [package, BOOKWORM.version(package), *(cache.file_digest(path) for path in files)]


def make(directory: Path) -> None:
    """Makes `vmlinuz`, `initramfs.gz` and the programs with debug information under `programs/`."""
    log = directory / "build.log"
    package = _kernel_package()
    with cache.scratch("kernel") as place:
        with step(f"unpacking {package}"):
            BOOKWORM.unpack(package, place)
        shutil.copy(_one(place / "boot", "vmlinuz-*"), directory / "vmlinuz")
        (directory / "kernel-release").write_text(_one(place / "lib/modules", "*").name + "\n")
        programs = directory / "programs"
        programs.mkdir()
        for name in _PROGRAMS:
            run([*_COMPILE, "-o", programs / name, cache.LAB / "guest" / f"{name}.c"], limit=120, log=log)
        modules = {name: _one(place / "lib/modules", f"**/{name}.ko").read_bytes() for name in _MODULES}
    busybox = shutil.which("busybox")
    if busybox is None:
        raise LabError("busybox is missing: `Lab/lab packages` installs it")

    image = _Newc()
    for name in ("bin", "dev", "proc", "sys", "modules"):
        image.directory(name)
    image.file("init", (cache.LAB / "guest" / "init").read_bytes(), executable=True)
    image.file("bin/busybox", Path(busybox).read_bytes(), executable=True)
    image.console("dev/console")
    for name in _PROGRAMS:
        image.file(f"bin/{name}", (programs / name).read_bytes(), executable=True)
    for name, content in modules.items():
        image.file(f"modules/{name}.ko", content)
    image.file("modules/order", "".join(f"{name}.ko\n" for name in _MODULES).encode())
    (directory / "initramfs.gz").write_bytes(gzip.compress(image.end(), 6, mtime=0))


def _one(place: Path, pattern: str) -> Path:
    found: Iterator[Path] = place.glob(pattern)
    first = next(found, None)
    if first is None:
        raise LabError(f"the kernel package has no {pattern} below {place.name}")
    return first


class _Newc:
    """A cpio archive in the form that the kernel takes ("newc"), owned by root whoever makes it."""

    def __init__(self) -> None:
        self._out = io.BytesIO()
        self._next = 1

    def directory(self, name: str) -> None:
        self._entry(name, stat.S_IFDIR | 0o755, b"")

    def file(self, name: str, content: bytes, *, executable: bool = False) -> None:
        self._entry(name, stat.S_IFREG | (0o755 if executable else 0o644), content)

    def console(self, name: str) -> None:
        self._entry(name, stat.S_IFCHR | 0o600, b"", device=(5, 1))

    def end(self) -> bytes:
        self._entry("TRAILER!!!", 0, b"")
        return self._out.getvalue()

    def _entry(self, name: str, mode: int, content: bytes, device: tuple[int, int] = (0, 0)) -> None:
        path = name.encode() + b"\0"
        # ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
        fields = (self._next, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(path), 0)
        self._next += 1
        self._out.write(b"070701" + b"".join(b"%08X" % field for field in fields))
        for part in (path, content):
            self._out.write(part)
            self._out.write(b"\0" * (-self._out.tell() % 4))
