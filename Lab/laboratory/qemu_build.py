"""QEMU built from Debian's source package with debug information, once for each coroutine backend.

One build tree serves both: the second build changes one setting and compiles only what depends on it. The tree's path
is mapped to a fixed one in the debug information, so that what is built doesn't depend on where the cache lies.
"""

import shutil
from pathlib import Path

from . import cache
from .archive import BOOKWORM
from .commands import run
from .steps import step

NAME_IN_DEBUG_INFORMATION = "/usr/src/qemu"
TARGET = "qemu-system-x86_64"

# Debian's meson needs Debian's Python, whichever other one the user has in front of it.
_DEBIAN_TOOLS = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}

# Debian's optimisation level, so that inlined functions, location lists and entry values occur. Features that would be
# switched on by whichever libraries are installed are off, so that the same QEMU comes out everywhere.
_CONFIGURE = (
    "--target-list=x86_64-softmmu",
    "--without-default-features",
    "--enable-system",
    "--enable-tcg",
    "--enable-debug-info",
    "--enable-coroutine-pool",
    "--enable-fdt=system",
    "--disable-werror",
    "--disable-strip",
    "--enable-trace-backends=log",
    "--meson=/usr/bin/meson",
)


def inputs() -> list[str]:
    return [BOOKWORM.source_version("qemu")]


def _tree() -> Path:
    return cache.root() / "trees" / f"qemu-{BOOKWORM.source_version('qemu')}"


def _source() -> Path:
    tree = _tree()
    source = tree / "source"
    if not source.exists():
        tree.mkdir(parents=True, exist_ok=True)
        unpacking = tree / "source.unpacking"
        shutil.rmtree(unpacking, ignore_errors=True)
        with step("QEMU's source package"):
            BOOKWORM.unpack_source("qemu", unpacking)
        unpacking.rename(source)
    return source


def _configured(backend: str, log: Path) -> Path:
    """The build directory, set to one backend. Setting it again to another one keeps what was compiled."""
    source = _source()
    build = _tree() / "build"
    current = build / "configured-for"
    header = build / "config-host.h"
    earlier = build / "config-host.h.earlier"
    if not current.exists():
        shutil.rmtree(build, ignore_errors=True)
        build.mkdir()
    if not current.exists() or current.read_text() != backend:
        if header.exists():
            shutil.copy2(header, earlier)
        flags = f"-O2 -g -ffile-prefix-map={_tree()}={NAME_IN_DEBUG_INFORMATION}"
        with step("configuring QEMU"):
            run(
                [source / "configure", *_CONFIGURE, f"--with-coroutine={backend}", f"--extra-cflags={flags}"],
                cwd=build,
                env=_DEBIAN_TOOLS,
                limit=300,
                log=log,
            )
        # The header that every file includes names the backend too, in a macro that no file uses. With its earlier
        # content and date, only the backend itself is compiled anew.
        if earlier.exists() and _without_backend(earlier) == _without_backend(header):
            shutil.copy2(earlier, header)
        current.write_text(backend)
    return build


def _without_backend(header: Path) -> list[str]:
    return [line for line in header.read_text().splitlines() if "CONFIG_COROUTINE_BACKEND" not in line]


def build(directory: Path, backend: str) -> None:
    """Builds QEMU with one coroutine backend; `directory` gets the program and QEMU's gdb scripts."""
    log = directory / "build.log"
    tree_build = _configured(backend, log)
    with step(f"compiling QEMU with coroutines by {backend}"):
        run(["nice", "-n", "5", "ninja", TARGET], cwd=tree_build, limit=1500, log=log, env=_DEBIAN_TOOLS)
    shutil.copy2(tree_build / TARGET, directory / TARGET)
    scripts = _source() / "scripts"
    (directory / "scripts").mkdir()
    shutil.copy2(scripts / "qemu-gdb.py", directory / "scripts")
    shutil.copytree(scripts / "qemugdb", directory / "scripts" / "qemugdb")
    (directory / "version").write_text(BOOKWORM.source_version("qemu") + "\n")
    run([directory / TARGET, "--version"], limit=30, log=log)


def discard_tree() -> None:
    """Frees the build tree once both builds are made."""
    shutil.rmtree(cache.root() / "trees", ignore_errors=True)
