"""The host packages that the laboratory needs."""

import os
from pathlib import Path

from . import cache
from .archive import BOOKWORM, BOOKWORM_ARM64, BULLSEYE, TRIXIE, UNSTABLE
from .commands import output_of, run
from .errors import LabError
from .steps import step

NEEDED = (
    "binutils",
    "bpftool",
    "busybox-static",
    "crash",
    "debian-archive-keyring",
    "dpkg-dev",
    "dwarves",
    "dwz",
    "elfutils",
    "g++",
    "gcc",
    "gdb",
    "gdb-multiarch",
    "libc6-dbg",
    "libc6-dev",
    "libfdt-dev",
    "libglib2.0-dev",
    "libpixman-1-dev",
    "lldb",
    "lz4",
    "makedumpfile",
    "meson",
    "ninja-build",
    "pkg-config",
    "python3-libkdumpfile",
    "python3-venv",
    "qemu-system-arm",
    "qemu-system-x86",
    "qemu-utils",
    "xz-utils",
    "zlib1g-dev",
    "zstd",
)


def missing() -> list[str]:
    text = output_of(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *NEEDED], may_fail=True)
    installed = {line.split()[0] for line in text.splitlines() if line.endswith(" installed")}
    return [name for name in NEEDED if name not in installed]


def install() -> None:
    """Installs what is missing, from the host's own sources, and fetches the private package lists anew."""
    log = cache.root() / "packages.log"
    if wanted := missing():
        sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        apt = [*sudo, "apt-get", "-q", "-y", "-oDPkg::Lock::Timeout=600"]
        with step(f"installing {' '.join(wanted)}"):
            run([*apt, "update"], limit=300, log=log, env=quiet)
            run([*apt, "--no-install-recommends", "install", *wanted], limit=1200, log=log, env=quiet)
    for archive in (BOOKWORM, BOOKWORM_ARM64, BULLSEYE, TRIXIE, UNSTABLE):
        archive.refresh()


def require() -> None:
    if wanted := missing():
        raise LabError(f"packages are missing: {' '.join(wanted)}; `Lab/lab packages` installs them")
    if not Path("/usr/bin/python3").exists():
        raise LabError("/usr/bin/python3 is missing")
