"""Other debuggers, and what they need to open the laboratory's machines: the kernel's debug information."""

import shutil
from pathlib import Path

from . import cache
from .archive import BOOKWORM
from .commands import output_of, run
from .errors import LabError
from .guest import _kernel_package as kernel_package
from .steps import step

DRGN = "0.3.0"
GDB_SCRIPT = "dump-guest-memory.py"
_DEBIAN_PYTHON = "/usr/bin/python3"

# How Debian's kernels have been compressed: the first bytes, and what unpacks them, with input and output to follow.
_COMPRESSIONS = {
    b"\x02\x21\x4c\x18": ("lz4", "-q", "-d"),  # the legacy frame
    b"\x28\xb5\x2f\xfd": ("sh", "-c", 'zstd -q -d -c "$0" >"$1"'),
    b"\xfd7zXZ\0": ("sh", "-c", 'xz -q -d -c "$0" >"$1"'),
}


def drgn_inputs() -> list[str]:
    return [DRGN]


def make_drgn(directory: Path) -> None:
    """Installs drgn into an environment of its own; `drgn` runs it wherever the directory is moved to."""
    log = directory / "build.log"
    environment = directory / "venv"
    run([_DEBIAN_PYTHON, "-m", "venv", environment], limit=120, log=log)
    pip: list[str | Path] = [
        environment / "bin" / "python",
        "-m",
        "pip",
        "-q",
        "--disable-pip-version-check",
        "install",
    ]
    with step(f"drgn {DRGN} from PyPI"):
        run([*pip, "--no-deps", "--only-binary", ":all:", f"drgn=={DRGN}"], limit=300, log=log)
    program = directory / "drgn"
    program.write_text('#!/bin/sh\nexec "$(dirname "$(readlink -f "$0")")/venv/bin/python" -m drgn "$@"\n')
    program.chmod(0o755)
    (directory / "version").write_text(DRGN + "\n")
    run([program, "--version"], limit=60, log=log)


def vmlinux_inputs() -> list[str]:
    package = f"{kernel_package()}-dbg"
    return [package, BOOKWORM.version(package)]


def make_vmlinux(directory: Path) -> None:
    """Keeps `vmlinux` of the guest kernel's debug package, which must be of the very build that the guest runs."""
    package, version = vmlinux_inputs()
    with cache.scratch("vmlinux") as place:
        with step(f"{package} {version}"):
            BOOKWORM.unpack_file(package, "./usr/lib/debug/boot/vmlinux-*", place)
        found = list(place.glob("usr/lib/debug/boot/vmlinux-*"))
        if len(found) != 1:
            raise LabError(f"{package} has {len(found)} files named vmlinux-*")
        shutil.move(found[0], directory / "vmlinux")
    identity = _build_id(directory / "vmlinux")
    with step("comparing its build-id with the guest's kernel"):
        if bytes.fromhex(identity) not in _payload(cache.required("guest") / "vmlinuz", directory / "build.log"):
            raise LabError(f"{package} has build-id {identity}, which the guest's kernel has not")
    (directory / "build-id").write_text(identity + "\n")
    (directory / "version").write_text(version + "\n")


def _build_id(file: Path) -> str:
    for line in output_of(["readelf", "-nW", file]).splitlines():
        if "Build ID: " in line:
            return line.rpartition(" ")[2]
    raise LabError(f"{file} has no build-id")


def _payload(kernel: Path, log: Path) -> bytes:
    """The kernel inside a bzImage, found by the setup header (Documentation/arch/x86/boot.rst of Linux).

    | offset | size | field                                          |
    |--------|------|------------------------------------------------|
    | 0x1f1  | 1    | setup_sects: 512-byte units before the kernel, less one |
    | 0x248  | 4    | payload_offset, from the kernel's start         |
    | 0x24c  | 4    | payload_length                                 |
    """
    image = kernel.read_bytes()
    start = (image[0x1F1] + 1) * 512 + int.from_bytes(image[0x248:0x24C], "little")
    packed = image[start : start + int.from_bytes(image[0x24C:0x250], "little")]
    for magic, unpack in _COMPRESSIONS.items():
        if packed.startswith(magic):
            with cache.scratch("payload") as place:
                (place / "packed").write_bytes(packed[:-4])  # the last four bytes are the unpacked size
                run([*unpack, place / "packed", place / "kernel"], limit=60, log=log)
                return (place / "kernel").read_bytes()
    raise LabError(f"{kernel}: its payload begins with {packed[:4].hex()}, an unknown compression")


def gdb_script_inputs() -> list[str]:
    return [BOOKWORM.source_version("qemu")]


def make_gdb_script(directory: Path) -> None:
    """QEMU's own script for gdb that writes a guest's memory out of a core, from the source of the debug QEMU."""
    with step("dump-guest-memory.py out of QEMU's source package"):
        BOOKWORM.unpack_source_file("qemu", f"*/scripts/{GDB_SCRIPT}", directory)
    if not (directory / GDB_SCRIPT).exists():
        raise LabError(f"QEMU's source has no scripts/{GDB_SCRIPT}")
    (directory / "version").write_text(BOOKWORM.source_version("qemu") + "\n")
