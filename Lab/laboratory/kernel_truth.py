"""What the witness (`kernels/witness.c`) read inside the guest, taken out of the guest's memory."""

import json
import re
import struct
from bisect import bisect_right
from pathlib import Path
from typing import Any

from .errors import LabError

_PAGE = 4096
_MAGIC = 0x5452555448564152

# Manifest key -> file beside the core.
FILES = {
    "processes": "processes.json",
    "facts": "facts.json",
    "kallsyms": "kallsyms.txt",
    "guest_modules": "modules.txt",
    "dmesg": "dmesg.txt",
    "kmsg": "kmsg.txt",
    "cpu_states": "cpu-states.json",
}
_WHOLE = {
    "/proc/kallsyms": "kallsyms.txt",
    "/proc/modules": "modules.txt",
    "dmesg -r": "dmesg.txt",
    "/dev/kmsg": "kmsg.txt",
}
_BINARY = ("auxv", ".note.gnu.build-id")
_LINKS = ("exe", "cwd", "root", "ns/pid", "ns/mnt")
_LIMIT = 256 << 20


class GuestMemory:
    """The RAM of a running QEMU's guest, by guest-physical address; all of it is one block that begins at 0."""

    def __init__(self, pid: int, size: int) -> None:
        self._start = _mapping_of_size(pid, size)
        self._size = size
        self._path = Path(f"/proc/{pid}/mem")

    def page(self, address: int) -> bytes:
        if address + _PAGE > self._size:
            raise LabError(f"the guest has no page at {address:#x}")
        with self._path.open("rb", buffering=0) as file:
            file.seek(self._start + address)
            return file.read(_PAGE)

    def words(self, address: int) -> tuple[int, ...]:
        return struct.unpack("<512Q", self.page(address))


def _mapping_of_size(pid: int, size: int) -> int:
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        words = line.split()
        start, end = (int(word, 16) for word in words[0].split("-"))
        if end - start == size and words[1].startswith("rw"):
            return start
    raise LabError(f"QEMU has no mapping of {size:#x} bytes")


def records(memory: GuestMemory, marker: str) -> dict[str, bytes]:
    """What the witness read, by path; `marker` is what it said at the debug console."""
    found = re.search(r"LAB: truth at ([0-9a-f]+)\n", marker)
    if found is None:
        raise LabError(f"the witness has not said where its text is: {marker!r}")
    return _records(_text(memory, int(found[1], 16)))


def _text(memory: GuestMemory, root: int) -> bytes:
    magic, size, *lists = memory.words(root)
    if magic != _MAGIC or size > _LIMIT:
        raise LabError(f"no witness's text at {root:#x}")
    pages: list[int] = []
    for place in lists:
        if place == 0:
            break
        pages += memory.words(place)
    return b"".join(memory.page(place) for place in pages[: -(-size // _PAGE)])[:size]


def _records(text: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    place = 0
    while place < len(text):
        end = text.index(b"\0", place)
        begins = text.index(b"\0", end + 1) + 1
        size = int(text[end + 1 : begins - 1])
        found[text[place:end].decode()] = text[begins : begins + size]
        place = begins + size
    return found


def _readable(path: str, content: bytes) -> str:
    return content.hex() if path.endswith(_BINARY) else content.decode("utf-8", "backslashreplace")


def write(directory: Path, found: dict[str, bytes]) -> None:
    """Writes the records in the form that README.md describes."""
    facts: dict[str, str] = {}
    processes: dict[int, dict[str, Any]] = {}
    for path, content in found.items():
        words = path.removeprefix("again:").split("/")
        if path in _WHOLE:
            (directory / _WHOLE[path]).write_bytes(content)
        elif len(words) > 3 and words[1] == "proc" and words[2].isdigit():
            _add_to_process(processes, path, words, content)
        else:
            facts[path] = _readable(path, content)
    for process in processes.values():
        process["threads"] = list(process["threads"].values())
    (directory / "processes.json").write_text(json.dumps(list(processes.values()), indent=1) + "\n")
    (directory / "facts.json").write_text(json.dumps(facts, indent=1) + "\n")


def _add_to_process(processes: dict[int, dict[str, Any]], path: str, words: list[str], content: bytes) -> None:
    number = int(words[2])
    process = processes.setdefault(number, {"pid": number, "files": {}, "links": {}, "threads": {}})
    if words[3] == "task" and len(words) > 5:
        thread = process["threads"].setdefault(int(words[4]), {"tid": int(words[4]), "files": {}})
        name = "again" if path.startswith("again:") else words[5]
        thread["files"][name] = _readable(path, content)
    else:
        name = "/".join(words[3:])
        process["links" if name in _LINKS else "files"][name] = _readable(path, content)


def cpu_states(registers: str, symbols: "Symbols") -> list[dict[str, Any]]:
    """From `info registers -a`: where each vCPU is, and in which of the kernel's functions."""
    states = []
    for part in registers.split("CPU#")[1:]:
        number = int(part.split("\n", 1)[0])
        values = dict(re.findall(r"\b(RIP|RSP|RFL|CR3|CPL|HLT)=([0-9a-f]+)", part))
        pc = int(values["RIP"], 16)
        state: dict[str, Any] = {
            "cpu": number,
            "rip": f"{pc:#x}",
            "rsp": f"{int(values['RSP'], 16):#x}",
            "user": values["CPL"] == "3",
            "halted": values["HLT"] == "1",
            "interrupts_enabled": bool(int(values["RFL"], 16) & 0x200),
        }
        if not state["user"] and (found := symbols.at(pc)):
            state["function"], state["offset"] = found
        states.append(state)
    return states


class Symbols:
    """The functions in /proc/kallsyms, by address."""

    def __init__(self, kallsyms: str) -> None:
        entries = (line.split() for line in kallsyms.splitlines())
        self._all = sorted((int(entry[0], 16), entry[2]) for entry in entries if entry[1] in "tTwW")
        self._addresses = [address for address, _ in self._all]

    def at(self, address: int) -> tuple[str, int] | None:
        position = bisect_right(self._addresses, address) - 1
        if position < 0:
            return None
        start, name = self._all[position]
        return name, address - start
