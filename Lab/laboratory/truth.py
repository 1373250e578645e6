"""What tools other than Varve say of a core: gdb, elfutils and binutils, each into a file of its own."""

from pathlib import Path

from . import cache
from .commands import output_of

# Manifest key -> file beside the core. A subject has those of them that could be made.
FILES = {
    "gdb_bt": "bt.txt",
    "gdb_bt_full": "bt-full.txt",
    "gdb_bt_all_arguments": "bt-all-arguments.txt",
    "gdb_frame_registers": "frame-registers.txt",
    "gdb_threads": "threads.txt",
    "gdb_registers": "registers.txt",
    "gdb_libraries": "libraries.txt",
    "gdb_coroutines": "coroutines.txt",
    "gdb_qemu_bt": "qemu-bt.txt",
    "coroutines": "coroutines.json",
    "maps": "maps.txt",
    "trace": "trace.log",
    "console": "console.log",
    "eu_stack": "eu-stack.txt",
    "eu_stack_inlines": "eu-stack-inlines.txt",
    "readelf_notes": "readelf-n.txt",
    "readelf_segments": "readelf-l.txt",
    "sha256": "sha256.txt",
}

KEPT_REGISTERS = "rip rsp rbp rbx r12 r13 r14 r15"
GDB_SETTINGS = ("pagination off", "width 0", "height 0", "confirm off", "debuginfod enabled off", "style enabled off")


def about_core(
    directory: Path, core: Path, executable: Path, *, debug_directory: Path | None = None, unwind: bool = True
) -> None:
    """Everything that needs only the core and its program.

    eu-stack knows no sysroot: for a core whose libraries are not the host's it prints nonsense, hence `unwind`.
    """
    with_core = [f"--core={core}", f"--executable={executable}"]
    if debug_directory:
        with_core.append(f"--debuginfo-path={debug_directory}")
    # eu-stack fails after printing when a single thread cannot be unwound to its end.
    answers = {}
    if unwind:
        answers["eu-stack.txt"] = output_of(["eu-stack", "-n", "0", *with_core], may_fail=True)
        answers["eu-stack-inlines.txt"] = output_of(["eu-stack", "-n", "0", "-ism", *with_core], may_fail=True)
    answers |= {
        "readelf-n.txt": output_of(["readelf", "-nW", core]),
        "readelf-l.txt": output_of(["readelf", "-lW", core]),
        "sha256.txt": f"{cache.file_digest(core)}\n",
    }
    for name, text in answers.items():
        (directory / name).write_text(text)


def by_gdb(directory: Path, core: Path, executable: Path, *, debug_directory: Path | None = None) -> None:
    """Backtraces of a core, for subjects that no live session described."""
    settings = list(GDB_SETTINGS)
    if debug_directory:
        settings.append(f"debug-file-directory {debug_directory}")
    commands = {
        "bt.txt": "thread apply all bt",
        "bt-full.txt": "thread apply all bt full",
        "bt-all-arguments.txt": "thread apply all bt -frame-arguments all -raw-frame-arguments on",
        "frame-registers.txt": f"thread apply all -q frame apply 60 -q info registers {KEPT_REGISTERS}",
        "threads.txt": "info threads",
        "registers.txt": "thread apply all info registers",
        "libraries.txt": "info sharedlibrary",
    }
    words = ["gdb", "-nx", "-batch"]
    for setting in settings:
        words += ["-iex", f"set {setting}"]
    words += [str(executable), str(core)]
    for name, command in commands.items():
        words += ["-ex", f"set logging file {directory / name}", "-ex", "set logging overwrite on"]
        words += ["-ex", "set logging redirect on", "-ex", "set logging enabled on", "-ex", command]
        words += ["-ex", "set logging enabled off"]
    output_of(words)
