"""Runs inside gdb: attaches to a QEMU, writes down what is true of it, and takes its core, all in one stop.

The file named by LAB_JOB says what to do:
  pid         the process
  directory   where the answers go
  how         "gcore", or "abort": SIGABRT for the main thread while every other thread stays stopped, so that the
              kernel's core shows the very state that was described
  stop_at     a function to stop in first, or null for wherever it is
  core        where gcore writes
  trace       the log of coroutine events
  backend     "ucontext", "sigaltstack", or null for a program without debug information
  settings    gdb settings
  scripts     the directory of QEMU's own qemu-gdb.py, or null
"""

import itertools
import json
import os
import re
import sys
import traceback
from typing import Any

import gdb

Mapping = tuple[int, int, str, int, str]  # start, end, permissions, inode, path
Span = tuple[int, int]

PAGE = 4096
STACK = 1 << 20
TYPES = {"ucontext": "CoroutineUContext", "sigaltstack": "CoroutineSigAltStack"}

with open(os.environ["LAB_JOB"], encoding="utf-8") as handle:
    job = json.load(handle)


def tell(command: str) -> str:
    return gdb.execute(command, False, True)


def write(name: str, text: str) -> None:
    with open(os.path.join(job["directory"], name), "w", encoding="utf-8", errors="backslashreplace") as out:
        out.write(text)


def mappings() -> tuple[list[Mapping], str]:
    """Every mapping, and the text it was read from."""
    with open(f"/proc/{job['pid']}/maps", encoding="utf-8", errors="backslashreplace") as maps:
        text = maps.read()
    found = []
    for line in text.splitlines():
        place, permissions, _, _, inode, *path = line.split(None, 5)
        start, end = (int(word, 16) for word in place.split("-"))
        found.append((start, end, permissions, int(inode), path[0] if path else ""))
    return found, text


def stacks_of(maps: list[Mapping]) -> list[Span]:
    """Anonymous 1 MiB mappings right above a guard page: what QEMU makes for each coroutine, and nothing else does."""
    found = []
    for guard, stack in itertools.pairwise(maps):
        guarded = guard[2] == "---p" and guard[1] - guard[0] == PAGE and guard[1] == stack[0]
        if guarded and stack[2] == "rw-p" and stack[3] == 0 and not stack[4] and stack[1] - stack[0] == STACK:
            found.append((stack[0], stack[1]))
    return found


def traced() -> dict[int, str]:
    """Every coroutine that was ever entered, with the last thing that happened to it, the longest ago first."""
    patterns = (
        ("entered", re.compile(r"qemu_aio_coroutine_enter ctx \S+ from \S+ to (0x[0-9a-f]+)")),
        ("yielded", re.compile(r"qemu_coroutine_yield from (0x[0-9a-f]+)")),
        ("terminated", re.compile(r"qemu_coroutine_terminate self (0x[0-9a-f]+)")),
        ("waits for mutex", re.compile(r"qemu_co_mutex_lock_entry mutex \S+ self (0x[0-9a-f]+)")),
        ("has mutex", re.compile(r"qemu_co_mutex_lock_return mutex \S+ self (0x[0-9a-f]+)")),
    )
    entered: set[int] = set()
    last: dict[int, str] = {}
    with open(job["trace"], encoding="utf-8", errors="replace") as log:
        for line in log:
            for what, pattern in patterns:
                if match := pattern.search(line):
                    pointer = int(match[1], 16)
                    if what == "entered":
                        entered.add(pointer)
                    last.pop(pointer, None)
                    last[pointer] = what
    return {pointer: what for pointer, what in last.items() if pointer in entered}


def symbol_at(address: int) -> str | None:
    text = tell(f"info symbol {address:#x}")
    return None if text.startswith("No symbol") else text.split(" in section")[0].strip()


def current_coroutines() -> dict[str, str] | None:
    """For each thread that has entered a coroutine at some time, by its id: the running one, or the thread's own.

    None where it cannot be read without calling a function: sigaltstack's backend keeps it under a pthread key.
    """
    if job["backend"] != "ucontext":
        return None
    found: dict[str, str] = {}
    for thread in gdb.selected_inferior().threads():
        thread.switch()
        current = int(gdb.parse_and_eval("(unsigned long)co_tls_current"))
        if current:
            found[str(thread.ptid[1])] = f"{current:#x}"
    return found


def live_coroutines(events: dict[int, str], stacks: set[Span]) -> list[dict[str, Any]]:
    """Among all pointers ever seen, those whose stack is still mapped; the latest to be used owns a stack."""
    kind = gdb.lookup_type(TYPES[job["backend"]]).pointer()
    owners: dict[int, dict[str, Any]] = {}
    for pointer, event in events.items():
        try:
            coroutine = gdb.Value(pointer).cast(kind).dereference()
            stack = int(coroutine["stack"])
            size = int(coroutine["stack_size"])
            base = coroutine["base"]
            facts = {
                "pointer": f"{pointer:#x}",
                "stack": f"{stack:#x}",
                "stack_size": size,
                "entry": symbol_at(int(base["entry"])),
                "entry_arg": f"{int(base['entry_arg']):#x}",
                "caller": f"{int(base['caller']):#x}",
                "locks_held": int(base["locks_held"]),
                "last_event": event,
                "idle": event == "terminated",
            }
        except gdb.MemoryError:
            continue
        usable = (stack + PAGE, stack + size)
        if usable in stacks:
            owners.pop(stack, None)
            owners[stack] = facts
    return list(owners.values())


def coroutine_backtraces(live: list[dict[str, Any]]) -> str:
    """QEMU's own script's backtraces, a heading before each."""
    sys.path.insert(0, job["scripts"])
    gdb.execute(f"source {job['scripts']}/qemu-gdb.py")
    from qemugdb import coroutine as qemu_coroutine

    kind = gdb.lookup_type(TYPES[job["backend"]]).pointer()
    parts = []
    tell("thread 1")
    for facts in live:
        pointer = int(facts["pointer"], 16)
        parts.append(f"Coroutine {pointer:#x}\n")
        if job["backend"] == "ucontext":
            parts.append(tell(f"qemu coroutine {pointer:#x}"))
        else:
            # The command knows only the other backend's type; what it does is the same for this one.
            words = gdb.Value(pointer).cast(kind)["env"]["__jmpbuf"]
            registers = qemu_coroutine.get_jmpbuf_regs(words)
            parts.append(backtrace_from(registers))
        parts.append("\n")
    return "".join(parts)


def backtrace_from(registers: dict[str, Any]) -> str:
    gdb.newest_frame().select()
    kept = {name: int(gdb.parse_and_eval(f"(unsigned long)${name}")) for name in registers}
    for name, value in registers.items():
        tell(f"set ${name} = {int(value)}")
    text = tell("bt")
    for name, value in kept.items():
        tell(f"set ${name} = {value}")
    return text


def main() -> None:
    for setting in job["settings"]:
        tell(f"set {setting}")
    tell(f"attach {job['pid']}")
    if job["stop_at"]:
        tell("handle SIGUSR1 nostop noprint pass")
        tell(f"break {job['stop_at']}")
        tell("continue")
        tell("delete")
    stopped_in = gdb.selected_thread().num
    tell("set scheduler-locking on")
    maps, text = mappings()
    write("maps.txt", text)
    write("threads.txt", tell("info threads"))
    write("bt.txt", tell("thread apply all bt"))
    write("bt-full.txt", tell("thread apply all bt full"))
    write("bt-all-arguments.txt", tell("thread apply all bt -frame-arguments all"))
    write("registers.txt", tell("thread apply all info registers"))
    write("libraries.txt", tell("info sharedlibrary"))

    stacks = stacks_of(maps)
    events = traced()
    report: dict[str, Any] = {
        "how_known": "pointers from QEMU's trace events, live stacks from /proc/PID/maps, the fields by gdb",
        "pointers_seen": [f"{pointer:#x}" for pointer in events],
        "last_events": {f"{pointer:#x}": event for pointer, event in events.items()},
        "live_stacks": [{"start": f"{start:#x}", "end": f"{end:#x}"} for start, end in stacks],
        "live_stack_count": len(stacks),
    }
    if job["backend"]:
        report["current"] = current = current_coroutines()
        live = live_coroutines(events, set(stacks))
        for facts in live:
            facts["running"] = facts["pointer"] in current.values() if current is not None else None
        report["live"] = live
        report["live_count"] = len(live)
        report["idle_count"] = sum(1 for facts in live if facts["idle"])
    if job["how"] == "gcore":
        # Before QEMU's script runs: it calls a function in the process.
        tell(f"gcore {job['core']}")
    if job["backend"]:
        write("coroutines.txt", coroutine_backtraces(live))
        if job["stop_at"]:
            tell(f"thread {stopped_in}")
            write("qemu-bt.txt", tell("qemu bt"))
    write("coroutines.json", json.dumps(report, indent=1) + "\n")
    if job["how"] == "abort":
        tell(f"thread {stopped_in}")
        write("abort.txt", tell("signal SIGABRT"))
    else:
        tell("detach")


try:
    main()
except BaseException:
    traceback.print_exc(file=sys.stdout)
    gdb.execute("kill")
    gdb.execute("quit 1")
gdb.execute("quit 0")
