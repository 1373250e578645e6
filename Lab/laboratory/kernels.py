"""Debian's kernels that guests run, each unpacked and not installed, and the debug information of some."""

import lzma
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache as once
from pathlib import Path

from . import cache
from .archive import BOOKWORM, BULLSEYE, TRIXIE, UNSTABLE, Archive
from .commands import run
from .errors import LabError
from .peers import _build_id as build_id
from .peers import _payload as payload
from .steps import step

# What guests load, and so whatever that needs. What a kernel has built in, or hasn't, is left out.
_WANTED_MODULES = (
    *("virtio_pci", "virtio_blk", "virtio_net", "qemu_fw_cfg"),
    *("tun", "ext4", "overlay", "dummy", "null_blk"),
)


@dataclass(frozen=True)
class Kernel:
    """One kernel, by the metapackage that always names the newest of its line."""

    name: str
    archive: Archive
    metapackage: str
    about: str
    debug_size: int  # MB that its debug package takes to download

    @property
    def image_subject(self) -> str:
        return f"kernel-image-{self.name}"

    @property
    def debug_subject(self) -> str:
        """The subject with its vmlinux; the first kernel's is also the one that the other guests run."""
        return "vmlinux-debug" if self.name == "6.1-cloud" else f"kernel-vmlinux-{self.name}"

    @once  # noqa: B019 (there are a handful, which live as long as the program)
    def package(self) -> str:
        names = self.archive.depends(self.metapackage)
        return next(name for name in names if name.startswith("linux-image-"))

    def packages(self) -> list[str]:
        """The packages that hold the kernel and its modules: in newer releases the image's package has neither."""
        parts = [
            name
            for name in self.archive.depends(self.package())
            if name.startswith(("linux-binary-", "linux-modules-"))
        ]
        return parts or [self.package()]

    def image_inputs(self) -> list[str]:
        return [f"{name} {self.archive.version(name)}" for name in (*self.packages(), self.package())]

    def debug_inputs(self) -> list[str]:
        package = f"{self.package()}-dbg"
        return [package, self.archive.version(package)]

    def make_image(self, directory: Path) -> None:
        """Makes `vmlinuz`, `kernel-release`, and `modules/` with a list of them in the order of loading."""
        with cache.scratch("kernel") as place:
            for package in self.packages():
                with step(f"unpacking {package}"):
                    self.archive.unpack(package, place)
            found = [*place.glob("boot/vmlinuz-*"), *place.glob("usr/lib/modules/*/vmlinuz")]
            if len(found) != 1:
                raise LabError(f"{' '.join(self.packages())}: {len(found)} files are named vmlinuz")
            shutil.copy(found[0], directory / "vmlinuz")
            trees = [*place.glob("lib/modules/*"), *place.glob("usr/lib/modules/*")]
            (directory / "kernel-release").write_text(trees[0].name + "\n")
            modules = directory / "modules"
            modules.mkdir()
            order = list(_in_order(trees))
            for name, content in order:
                (modules / f"{name}.ko").write_bytes(content)
            (modules / "order").write_text("".join(f"{name}.ko\n" for name, _ in order))
        (directory / "version").write_text(self.archive.version(self.package()) + "\n")

    def make_debug(self, directory: Path) -> None:
        """Keeps `vmlinux` of the debug package, which must be of the very build that the guest runs."""
        package, version = self.debug_inputs()
        with cache.scratch("vmlinux") as place:
            with step(f"{package} {version}"):
                self.archive.unpack_file(package, "*/vmlinux*", place)
            found = [path for path in place.glob("**/vmlinux*") if path.is_file() and not path.is_symlink()]
            if len(found) != 1:
                raise LabError(f"{package} has {len(found)} files named vmlinux")
            shutil.move(found[0], directory / "vmlinux")
        identity = build_id(directory / "vmlinux")
        if bytes.fromhex(identity) not in payload(cache.required(self.image_subject) / "vmlinuz", directory / "log"):
            raise LabError(f"{package} has build-id {identity}, which the kernel {self.name} has not")
        (directory / "build-id").write_text(identity + "\n")
        (directory / "version").write_text(version + "\n")


def _in_order(trees: list[Path]) -> Iterator[tuple[str, bytes]]:
    """The wanted modules, each after those that it depends on, unpacked."""
    files = {
        path.name.split(".")[0].replace("-", "_"): path for tree in trees for path in sorted(tree.glob("**/*.ko*"))
    }
    seen: set[str] = set()

    def load(name: str) -> Iterator[tuple[str, bytes]]:
        if name in seen or name not in files:
            return
        seen.add(name)
        content = _unpacked(files[name])
        for needed in _depends(content):
            yield from load(needed)
        yield name, content

    for name in _WANTED_MODULES:
        yield from load(name)


def _unpacked(module: Path) -> bytes:
    match module.suffix:
        case ".ko":
            return module.read_bytes()
        case ".xz":
            return lzma.decompress(module.read_bytes())
        case ".zst":
            with cache.scratch("module") as place:
                run(["zstd", "-q", "-d", module, "-o", place / "ko"], limit=60, log=place / "log")
                return (place / "ko").read_bytes()
    raise LabError(f"{module.name}: modules compressed that way are unknown here")


def _depends(module: bytes) -> list[str]:
    """The names in the module's information: NUL-terminated `depends=a,b` in the section .modinfo."""
    with cache.scratch("module") as place:
        (place / "ko").write_bytes(module)
        words: list[str | Path] = ["objcopy", "-O", "binary", "-j", ".modinfo", place / "ko", place / "information"]
        run(words, limit=60, log=place / "log")
        entries = (place / "information").read_bytes().split(b"\0")
    for entry in entries:
        key, _, value = entry.partition(b"=")
        if key == b"depends":
            return [name.decode().replace("-", "_") for name in value.split(b",") if name]
    return []


ALL: dict[str, Kernel] = {
    kernel.name: kernel
    for kernel in (
        Kernel("6.1-cloud", BOOKWORM, "linux-image-cloud-amd64", "Debian 12's kernel for clouds", 283),
        Kernel("6.12-cloud", TRIXIE, "linux-image-cloud-amd64", "Debian 13's kernel for clouds", 320),
        Kernel("5.10", BULLSEYE, "linux-image-cloud-amd64", "Debian 11's kernel for clouds", 262),
        Kernel("new", UNSTABLE, "linux-image-cloud-amd64", "unstable's kernel for clouds, the newest there is", 353),
        Kernel("6.1-generic", BOOKWORM, "linux-image-amd64", "Debian 12's generic kernel", 858),
        Kernel("6.1-rt", BOOKWORM, "linux-image-rt-amd64", "Debian 12's kernel with PREEMPT_RT", 860),
    )
}
