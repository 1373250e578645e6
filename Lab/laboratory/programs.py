"""Host programs with stacks and values known from their source, and a core of each.

All are built into one subject, `programs`, since a core names the mapped files by where they lay at that time.
"""

import shutil
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import cache, cores, truth
from .commands import Child, run
from .errors import LabError

SOURCES = cache.LAB / "programs"
NAME_IN_DEBUG_INFORMATION = "/usr/src/varve-lab"
_WARNINGS = ("-Wall", "-Wextra", "-Wno-infinite-recursion")
_ABORT = signal.SIGABRT
_FAULT = signal.SIGSEGV


@dataclass(frozen=True)
class Part:
    """One source file with its own flags; a `library` becomes a shared library of that name."""

    source: str
    flags: tuple[str, ...] = ()
    library: str | None = None


@dataclass(frozen=True)
class Program:
    """A program, how it is built, and how it comes to leave a core."""

    name: str
    about: str
    source: str
    flags: tuple[str, ...] = ("-O2",)
    parts: tuple[Part, ...] = ()
    link: tuple[str, ...] = ()
    ends_by: signal.Signals = _ABORT
    stop: tuple[str, ...] = ()  # gdb commands that bring it to the place where gcore is to be taken, if not the kernel
    finish: Callable[["Program", Path], None] | None = None  # what happens to the program after linking
    debug_directory: bool = False  # whether `debug/` holds its debug file

    @property
    def home(self) -> Path:
        """The directory of the program, below `programs`."""
        return cache.subject_directory("programs") / self.name

    def executable(self) -> Path:
        return self.home / self.name

    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "sources": [str(SOURCES / name) for name in (self.source, *(part.source for part in self.parts))],
            "flags": list(self.flags),
            "taken_by": "gcore" if self.stop else "abort" if self.ends_by == _ABORT else "fault",
            "binary": "programs",
        }
        if self.debug_directory:
            facts["debug_directory"] = str(self.home / "debug")
        return facts

    def build(self, directory: Path, log: Path) -> None:
        """Compiles and links it in `directory`, which will be renamed to `home`."""
        maps = (
            f"-ffile-prefix-map={directory}={self.home}",
            f"-ffile-prefix-map={SOURCES}={NAME_IN_DEBUG_INFORMATION}",
        )
        objects: list[str] = []
        for part in (Part(self.source), *self.parts):
            words = [*_compiler(part.source), *_WARNINGS, "-g", *maps, *self.flags, *part.flags]
            source = SOURCES / part.source
            if part.library:
                run(
                    [*words, "-fPIC", "-shared", f"-Wl,-soname,{part.library}", "-o", part.library, source],
                    cwd=directory,
                    limit=120,
                    log=log,
                )
                objects += [f"./{part.library}", "-Wl,-rpath,$ORIGIN"]
            else:
                target = f"{part.source}.o"
                run([*words, "-c", "-o", target, source], cwd=directory, limit=120, log=log)
                objects.append(target)
        words = [*_compiler(self.source), *self.flags, "-pthread", "-o", self.name, *objects, *self.link]
        run(words, cwd=directory, limit=120, log=log)
        for left_over in directory.glob("*.o"):
            left_over.unlink()
        if self.finish:
            self.finish(self, directory)

    def make(self, directory: Path) -> None:
        """Runs the program until it has left its core, and asks other tools about that."""
        log = directory / "build.log"
        with cache.scratch("program") as place:
            if self.stop:
                taken = place / "core"
                self._stop_in_gdb(taken, log)
            else:
                with cores.kernel_writes_core_files(), log.open("ab") as sink:
                    child = Child(
                        [self.executable()], cwd=place, stdout=sink, stderr=subprocess.STDOUT, core_files=True
                    )
                    code = child.wait(60)
                if code != -self.ends_by:
                    raise LabError(f"{self.name} ended with {code} instead of by {self.ends_by.name}")
                taken = cores.found_in(place)
            cores.keep(taken, directory / "core", log)
        debug = self.home / "debug" if self.debug_directory else None
        truth.about_core(directory, directory / "core", self.executable(), debug_directory=debug)
        truth.by_gdb(directory, directory / "core", self.executable(), debug_directory=debug)

    def _stop_in_gdb(self, core: Path, log: Path) -> None:
        words: list[str | Path] = ["gdb", "-nx", "-batch"]
        for setting in (*truth.GDB_SETTINGS, "disable-randomization off", "breakpoint pending on"):
            words += ["-iex", f"set {setting}"]
        for command in (*self.stop, f"gcore {core}", "kill"):
            words += ["-ex", command]
        run([*words, self.executable()], limit=60, log=log)
        if not core.exists():
            raise LabError(f"{self.name}: gdb took no core; see {log}")


def inputs() -> list[str]:
    """What all programs are made from, besides the scripts."""
    files = sorted(path for path in SOURCES.iterdir() if path.is_file())
    return [f"{path.name} {cache.file_digest(path)}" for path in files]


def make_all(directory: Path) -> None:
    """Builds every program into a directory of its own."""
    log = directory / "build.log"
    for program in ALL:
        place = directory / program.name
        place.mkdir()
        program.build(place, log)


def _compiler(source: str) -> tuple[str, ...]:
    return ("g++", "-std=gnu++17") if source.endswith(".cc") else ("gcc", "-std=gnu11")


def _tool(directory: Path, *words: str | Path) -> None:
    run(words, cwd=directory, limit=60, log=directory / "tools.log")


def _strip(program: Program, directory: Path) -> None:
    _tool(directory, "strip", "--strip-all", program.name)


def _split_off_debug_file(program: Program, directory: Path, target: str) -> None:
    (directory / target).parent.mkdir(parents=True, exist_ok=True)
    _tool(directory, "objcopy", "--only-keep-debug", program.name, target)
    _strip(program, directory)


def _into_build_id_tree(program: Program, directory: Path) -> None:
    _split_off_debug_file(program, directory, "split.debug")
    with cache.scratch("build-id") as place:
        note = place / "note"
        _tool(directory, "objcopy", "-O", "binary", "--only-section=.note.gnu.build-id", program.name, note)
        identity = note.read_bytes()[16:].hex()  # after the note's sizes, type and name
    target = directory / "debug" / ".build-id" / identity[:2] / f"{identity[2:]}.debug"
    target.parent.mkdir(parents=True)
    (directory / "split.debug").rename(target)


def _by_debug_link(program: Program, directory: Path) -> None:
    _split_off_debug_file(program, directory, f".debug/{program.name}.debug")
    _tool(directory, "objcopy", f"--add-gnu-debuglink=.debug/{program.name}.debug", program.name)


def _mini_debug_information(program: Program, directory: Path) -> None:
    """Only function names, compressed inside the program, as Fedora ships them."""
    _split_off_debug_file(program, directory, "names")
    _tool(directory, "objcopy", "--strip-debug", "--remove-section=.comment", "names")
    _tool(directory, "xz", "names")
    _tool(directory, "objcopy", "--add-section", ".gnu_debugdata=names.xz", program.name)
    (directory / "names.xz").unlink()


def _shared_by_dwz(program: Program, directory: Path) -> None:
    """Moves what two programs have in common to a third file, as Debian's debug packages have it."""
    shutil.copy(directory / program.name, directory / "other")
    _tool(directory, "dwz", "-m", "common.debug", "-r", program.name, "other")
    (directory / "other").unlink()
    if not (directory / "common.debug").exists():
        raise LabError("dwz found nothing in common")


_PYTHON_BREAK_AT_RET = (
    "python start = int(gdb.parse_and_eval('(long)&pushes')); "
    "code = gdb.selected_frame().architecture().disassemble(start, start + 200); "
    "gdb.execute('break *%d' % next(i['addr'] for i in code if i['asm'].startswith('ret')))"
)
_LAZY = ("-Wl,-z,lazy",)
_THREADS = "threads in read, futex and nanosleep at known depths, main aborts"

ALL: tuple[Program, ...] = (
    Program("threads", _THREADS, "threads.c"),
    Program("threads-O0", f"{_THREADS}; not optimised", "threads.c", ("-O0",)),
    Program("threads-omit-fp", f"{_THREADS}; no frame pointers", "threads.c", ("-O2", "-fomit-frame-pointer")),
    Program("threads-keep-fp", f"{_THREADS}; frame pointers", "threads.c", ("-O2", "-fno-omit-frame-pointer")),
    Program("threads-static", f"{_THREADS}; static", "threads.c", ("-O2", "-static")),
    Program("threads-static-pie", f"{_THREADS}; static PIE", "threads.c", ("-O2", "-static-pie", "-fPIE")),
    Program("threads-no-pie", f"{_THREADS}; at a fixed address", "threads.c", ("-O2", "-no-pie", "-fno-pie")),
    Program("threads-no-hdr", f"{_THREADS}; .eh_frame without its index", "threads.c", link=("-Wl,--no-eh-frame-hdr",)),
    Program(
        "threads-debug-frame",
        f"{_THREADS}; CFI in .debug_frame only",
        "threads.c",
        ("-O2", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables"),
    ),
    Program("threads-dwarf4", f"{_THREADS}; DWARF 4", "threads.c", ("-O2", "-gdwarf-4")),
    Program("threads-compressed", f"{_THREADS}; debug sections compressed", "threads.c", ("-O2", "-gz=zlib")),
    Program(
        "threads-split-dwarf", f"{_THREADS}; debug information in a .dwo file", "threads.c", ("-O2", "-gsplit-dwarf")
    ),
    Program("threads-stripped", f"{_THREADS}; stripped", "threads.c", finish=_strip),
    Program(
        "threads-build-id",
        f"{_THREADS}; debug file found by build-id",
        "threads.c",
        finish=_into_build_id_tree,
        debug_directory=True,
    ),
    Program(
        "threads-debug-link", f"{_THREADS}; debug file found by .gnu_debuglink", "threads.c", finish=_by_debug_link
    ),
    Program("threads-mini", f"{_THREADS}; names in .gnu_debugdata only", "threads.c", finish=_mini_debug_information),
    Program(
        "threads-dwz", f"{_THREADS}; part of the debug information in a dwz file", "threads.c", finish=_shared_by_dwz
    ),
    Program("altstack", "a fault, its handler on an alternate stack, abort there", "altstack.c"),
    Program("handlers", "a handler inside a handler on one stack", "handlers.c"),
    Program(
        "first-instruction", "a fault in a function's first instruction, seen from its handler", "first_instruction.c"
    ),
    Program("recursion", "a thousand levels of recursion, then a mutual one", "recursion.c"),
    Program("overflow", "a thread's stack overflows", "overflow.c", ends_by=_FAULT),
    Program("leaf", "a fault in a leaf function", "leaf.c", ("-O2", "-fomit-frame-pointer"), ends_by=_FAULT),
    Program("null-call", "a call through a null pointer", "null_call.c", ends_by=_FAULT),
    Program("noreturn", "calls of functions that don't return, at their functions' very end", "noreturn.c"),
    Program("dynamic-frames", "alloca, arrays of variable length, an over-aligned frame", "dynamic_frames.c"),
    Program(
        "without-cfi",
        "two functions without any CFI between others that have it",
        "without_cfi.c",
        parts=(
            Part(
                "without_cfi_part.c",
                ("-g0", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables", "-fno-omit-frame-pointer"),
            ),
        ),
    ),
    Program(
        "unusual-cfi",
        "hand-written CFI: expressions, remembered states, values",
        "unusual_cfi.c",
        parts=(Part("unusual_cfi.s"),),
    ),
    Program("inlines", "functions inlined into one another", "inlines.c"),
    Program("tail-calls", "frames gone by sibling calls, arguments known by entry values only", "tail_calls.c"),
    Program("values", "every kind of argument, not optimised: all values known", "values.c", ("-O0",)),
    Program("values-O2", "every kind of argument, optimised", "values.c"),
    Program("values-cxx", "C++ arguments and names, not optimised", "values_cxx.cc", ("-O0",)),
    Program("values-cxx-O2", "C++ arguments and names, optimised", "values_cxx.cc"),
    Program(
        "library",
        "program and shared library call each other",
        "library.c",
        parts=(Part("library_part.c", library="liblab.so"),),
    ),
    Program(
        "plt-entry",
        "stopped at the first instruction of a PLT entry",
        "plt.c",
        link=_LAZY,
        stop=("break *'puts@plt'", "run"),
    ),
    Program(
        "plt-pushed",
        "stopped in a PLT entry after its push",
        "plt.c",
        link=_LAZY,
        stop=("break *'puts@plt'", "run", "stepi 2"),
    ),
    Program(
        "plt-resolver",
        "stopped in the dynamic linker's look-up of a symbol",
        "plt.c",
        link=_LAZY,
        stop=("break main", "run", "break _dl_fixup", "continue"),
    ),
    Program(
        "vdso",
        "stopped inside the vdso",
        "plt.c",
        stop=(
            "break main",
            "run",
            "break *clock_gettime",
            "break __vdso_clock_gettime",
            "continue",
            "continue",
            "stepi 3",
        ),
    ),
    Program("prologue-0", "stopped at a function's first instruction", "plt.c", stop=("break *pushes", "run")),
    Program(
        "prologue-1", "stopped after a function's first instruction", "plt.c", stop=("break *pushes", "run", "stepi")
    ),
    Program(
        "epilogue",
        "stopped at a function's return instruction",
        "plt.c",
        stop=("break main", "run", _PYTHON_BREAK_AT_RET, "continue"),
    ),
)
