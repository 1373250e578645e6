"""The oldest QEMU that Varve supports, as Debian 11 has it, and unstable's, the newest; both stripped."""

import shutil
from pathlib import Path

from . import cache
from .archive import BULLSEYE, UNSTABLE
from .commands import run
from .steps import step

_PACKAGES = ("qemu-system-x86", "seabios")
# What takes much room and is read only by people, or for a window.
_UNREAD = ("doc", "fonts", "icons", "info", "locale", "man", "X11")

OLD = "qemu-stripped-5.2"
NEW = "qemu-stripped-new"
_ARCHIVES = {OLD: BULLSEYE, NEW: UNSTABLE}


def inputs(name: str) -> list[str]:
    return [_ARCHIVES[name].version(_PACKAGES[0])]


def root(name: str) -> Path:
    return cache.subject_directory(name) / "root"


def make(name: str, directory: Path) -> None:
    """Unpacks QEMU with every library, loader and firmware file it needs."""
    archive = _ARCHIVES[name]
    place = directory / "root"
    place.mkdir()
    # One tree for programs and libraries, whether the release still has two or not; base-files would make these links.
    for link in ("bin", "sbin", "lib", "lib64"):
        (place / "usr" / link).mkdir(parents=True)
        (place / link).symlink_to(f"usr/{link}")
    with step(f"QEMU of Debian {archive.release} and all it needs"):
        archive.unpack_with_dependencies(_PACKAGES, place)
    for unread in _UNREAD:
        shutil.rmtree(place / "usr/share" / unread, ignore_errors=True)
    for made in ("lab", "tmp", "dev", "proc"):
        (place / made).mkdir(exist_ok=True)
    (directory / "version").write_text(archive.version(_PACKAGES[0]) + "\n")
    run(["chroot", place, "/usr/bin/qemu-system-x86_64", "--version"], limit=60, log=directory / "build.log")
