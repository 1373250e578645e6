"""QEMU as Debian ships it, without symbols: the installed one, and a newer release's in a root of its own."""

from pathlib import Path

from . import cache
from .archive import TRIXIE
from .commands import output_of, run
from .errors import LabError
from .steps import step

INSTALLED = Path("/usr/bin/qemu-system-x86_64")
_PACKAGES = ("qemu-system-x86", "seabios")


def installed_version() -> str:
    text = output_of(["dpkg-query", "-W", "-f", "${Version}", "qemu-system-x86"], may_fail=True)
    if not text:
        raise LabError("qemu-system-x86 is not installed: `Lab/lab packages` installs it")
    return text


def installed_inputs() -> list[str]:
    return [installed_version()]


def make_installed(directory: Path) -> None:
    """Only checks: the program stays where the package put it, since that is how users run it."""
    version = installed_version()
    if ":7.2+" not in version:
        raise LabError(f"the installed QEMU is {version}; this subject is Debian 12's 7.2")
    (directory / "version").write_text(version + "\n")


def trixie_inputs() -> list[str]:
    return TRIXIE.closure(_PACKAGES)


def trixie_root() -> Path:
    return cache.subject_directory("qemu-stripped-10") / "root"


def make_trixie(directory: Path) -> None:
    """Unpacks Debian 13's QEMU with every library, loader and firmware file it needs."""
    root = directory / "root"
    root.mkdir()
    # Debian 13 has one tree for programs and libraries; base-files would make these links.
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    with step("Debian 13's QEMU and all it needs"):
        TRIXIE.unpack_with_dependencies(_PACKAGES, root)
    for name in ("lab", "tmp", "dev", "proc"):
        (root / name).mkdir(exist_ok=True)
    (directory / "version").write_text(TRIXIE.version("qemu-system-x86") + "\n")
    run(["chroot", root, "/usr/bin/qemu-system-x86_64", "--version"], limit=60, log=directory / "build.log")
