"""The last write to random words, against a trace of all stores.

The trace is made by a plugin (stores.c) in a QEMU of its own that replays straight forwards, without Varve.
It sees what instructions store, by the virtual address and by where that led. Memory also changes otherwise: by stores
through other addresses, by what the CPU stores when it takes an interrupt, by devices. Where Varve says so, a QEMU of
its own is brought to that moment: the word has to become what it is at the position in just that step.
"""

import re
import struct
import subprocess
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from .guests import MEMORY, Plain, Recording
from .run import Proof, note, spread, table

# Where Linux without randomisation has its image and all of memory (Documentation/x86/x86_64/mm.rst).
IMAGE = 0xFFFFFFFF80000000
DIRECT = 0xFFFF888000000000
STACK = 16384
BOOT_WORDS = ("nokaslr",)
CLAIM = (
    r"(written|changed) at instruction (\d+) .*, (by the instruction|while executing the instruction"
    r"|as the CPU took an interrupt or exception) at (0x[0-9a-f]+):"
)
# "As in the trace" but for the third, which no trace of stores can tell.
VERDICTS = ("its last store", "a store through another address", "no instruction's store", "never stored to", "wrong")


@dataclass(frozen=True)
class Store:
    counter: int
    # When it began: the trace's own count is ahead of QEMU's by so much at most, since an instruction that faults
    # has begun and doesn't count.
    moment: int
    slack: int

    def is_at(self, moment: int, counter: int) -> bool:
        return counter == self.counter and self.moment - self.slack <= moment <= self.moment


@dataclass
class Word:
    origin: int
    address: int
    kind: str
    physical: int
    value: bytes | None  # at the origin
    same: Store | None = None  # the last one through this address, in the trace
    other: Store | None = None  # the last one through another address
    claim: tuple[bool, int, int] | None = None  # by Varve: whether a store, moment, PC
    through_another: bool = False  # by Varve: whether the store was through another address


def prove(proof: Proof) -> None:
    recording = proof.recording(words=BOOT_WORDS)
    words = choose(proof, recording, proof.count(200))
    note(f"last-write: {len(words)} words at {len({word.origin for word in words})} moments")
    trace(proof, recording, words)
    note("last-write: traced")
    times = ask(proof, recording, words)
    seen = watch(recording, words)
    kinds: dict[str, list[int]] = defaultdict(lambda: [0] * (len(VERDICTS) + 1))
    for word in words:
        verdict = judge(word, seen)
        kinds[word.kind][0] += 1
        kinds[word.kind][1 + VERDICTS.index(verdict)] += 1
        if verdict == "wrong":
            proof.fail(f"{word}; a QEMU of its own has there {word.claim and seen[(word.claim[1], word.physical)]}")
    rows = [[kind, *counts, spread(times[kind])] for kind, counts in sorted(kinds.items())]
    table(["where", "words", *VERDICTS, "s: median (least to most)"], rows)


def judge(word: Word, seen: dict) -> str:
    store, through_another, unstored, never, wrong = VERDICTS
    if word.claim is None:
        return wrong if word.same or word.other else never
    is_store, moment, counter = word.claim
    there, before, after = seen[(moment, word.physical)]
    if there != counter or after != word.value:
        return wrong
    if is_store and word.through_another:
        later = not word.same or word.same.moment - word.same.slack <= moment
        return through_another if later and word.other and word.other.is_at(moment, counter) else wrong
    if is_store:
        if word.same and word.same.is_at(moment, counter):
            return store
        return through_another if word.other and word.other.is_at(moment, counter) else wrong
    if before == after or (word.same and word.same.moment - word.same.slack > moment):
        return wrong
    return through_another if word.other and word.other.is_at(moment, counter) else unstored


# MARK: Which words


def choose(proof: Proof, recording: Recording, count: int) -> list[Word]:
    """At two moments in the kernel and two in a user program; in a short recording there are none of the latter."""
    words: list[Word] = []
    wanted = {"kernel": 4, "user": 0} if proof.is_short else {"kernel": 2, "user": 2}
    step = recording.instructions // 200
    with recording.plain() as plain:
        for moment in sorted(proof.moments(recording, 24, low=0.85 if proof.is_short else 0.2)):
            if plain.when() > moment - step or not any(wanted.values()):
                continue
            plain.run(moment - step)
            earlier = memory(plain)
            plain.run(moment)
            mode = "kernel" if plain.stub.counter() >> 63 else "user"
            if not wanted[mode]:
                continue
            wanted[mode] -= 1
            words += at(proof, plain, moment, mode, earlier, count // 4)
    return words


def at(proof: Proof, plain: Plain, moment: int, mode: str, earlier: bytes, count: int) -> list[Word]:
    registers = bytes.fromhex(plain.stub.registers())
    pointer = int.from_bytes(registers[7 * 8 : 8 * 8], "little") & ~7
    # After rip, eflags and six segments of four bytes each: fs_base, gs_base, k_gs_base (QEMU gdb-xml/i386-64bit.xml).
    bases = struct.unpack_from("<3Q", registers, 17 * 8 + 7 * 4)
    local = next((base for base in bases[1:] if base >> 63), DIRECT) & ~7
    changed = changes(proof, earlier, memory(plain))
    image = [IMAGE + word for word in changed if 0x1000000 <= word < 0x4000000]
    direct = [DIRECT + word for word in changed if not 0x1000000 <= word < 0x4000000]
    near = range(pointer - 512, (pointer & ~(STACK - 1)) + STACK if mode == "kernel" else pointer + 1024, 8)
    kinds = {
        f"{mode} stack": list(near),
        "kernel data": image,
        "direct map": direct,
        "per-CPU data": list(range(local, local + 0x30000, 8)),
    }
    if mode == "user":
        kinds["user data"] = list(range(0x4C0000, 0x4D0000, 8))
    words = []
    taken = set()
    for index in range(count * 20):
        kind = list(kinds)[index % len(kinds)]
        if len(words) == count or not kinds[kind]:
            continue
        address = proof.random.choice(kinds[kind])
        value = plain.stub.memory(address, 8)
        found = re.search(r"gpa: (0x[0-9a-f]+)", plain.say(f"gva2gpa {address:#x}"))
        # Zeros mostly mean that nobody ever wrote there, which costs most and shows least.
        if address in taken or value is None or not found or (not any(value) and proof.random.random() < 0.8):
            continue
        taken.add(address)
        words.append(Word(moment, address, kind, int(found[1], 16), value))
    return words


def memory(plain: Plain) -> bytes:
    """All of the guest's memory."""
    for line in Path(f"/proc/{plain.process}/maps").read_text().splitlines():
        start, end = (int(word, 16) for word in line.split()[0].split("-"))
        if end - start == MEMORY:
            with open(f"/proc/{plain.process}/mem", "rb") as file:
                file.seek(start)
                return file.read(MEMORY)
    raise RuntimeError("QEMU has no mapping of the guest's size")


def changes(proof: Proof, before: bytes, after: bytes) -> list[int]:
    """Some of the words that differ."""
    found = []
    for page in range(0, MEMORY, 4096):
        if before[page : page + 4096] != after[page : page + 4096]:
            differing = [w for w in range(page, page + 4096, 8) if before[w : w + 8] != after[w : w + 8]]
            found += proof.random.sample(differing, min(len(differing), 8))
    return found


# MARK: What the trace says


def trace(proof: Proof, recording: Recording, words: list[Word]) -> None:
    plugin = proof.place / "stores.so"
    source = Path(__file__).with_name("stores.c")
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", plugin, source], check=True)
    file = proof.place / "stores.table"
    places = sorted({(word.physical, word.address) for word in words})
    empty = b"".join(struct.pack("<8Q", *place, 0, 0, 0, 0, 0, 0) for place in places)
    file.write_bytes(struct.pack("<2Q", 0, len(places)) + empty)
    with recording.plain("-plugin", f"{plugin},table={file}") as plain:
        for origin in sorted({word.origin for word in words}):
            plain.run(origin)
            content = file.read_bytes()
            slack = int.from_bytes(content[:8], "little") - origin
            rows = {row[:2]: row[2:] for row in struct.iter_unpack("<8Q", content[16:])}
            for word in words:
                if word.origin == origin:
                    row = rows[(word.physical, word.address)]
                    word.same, word.other = (
                        Store(counter, begun - 1, slack) if count else None
                        for counter, begun, count in (row[:3], row[3:])
                    )


# MARK: What Varve says


def ask(proof: Proof, recording: Recording, words: list[Word]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = defaultdict(list)
    with recording.served(proof.varve) as served:
        served.seek("end")
        done = 0
        for origin in sorted({word.origin for word in words}):
            served.seek(origin)
            for word in words:
                if word.origin != origin:
                    continue
                began = time.monotonic()
                answer = served.stub.monitor(f"last-write {word.address:#x},8")
                times[word.kind].append(time.monotonic() - began)
                found = re.match(CLAIM, answer)
                if found:
                    word.claim = found[1] == "written" and "instruction" in found[3], int(found[2]), int(found[4], 16)
                    word.through_another = "it stored through" in answer
                elif not answer.startswith("nothing "):
                    raise RuntimeError(f"last write before {origin} to {word.address:#x}: {answer}")
                done += 1
                if done % 20 == 0:
                    note(f"last-write: {done} asked")
    return times


def watch(recording: Recording, words: list[Word]) -> dict[tuple[int, int], tuple[int, bytes | None, bytes | None]]:
    """What is where Varve's answers say, in a QEMU of its own: PC, and the word before and after a step."""
    claimed: dict[int, set[int]] = defaultdict(set)
    for word in words:
        if word.claim:
            claimed[word.claim[1]].add(word.physical)
    seen = {}
    with recording.plain() as plain:
        for moment in sorted(claimed):
            if plain.when() < moment:
                plain.run(moment)
            elif plain.when() > moment:
                raise RuntimeError(f"the other QEMU is at {plain.when()} and should be at {moment}")
            counter = plain.stub.counter()
            before = {address: plain.physical(address, 8) for address in claimed[moment]}
            plain.step()
            for address in claimed[moment]:
                seen[(moment, address)] = counter, before[address], plain.physical(address, 8)
    return seen
