"""What the parts share: where they work, how they count, and how they say it."""

import random
import shutil
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from .guests import MACHINES, Machine, Recording


@dataclass
class Proof:
    varve: str
    place: Path
    runs: int | None  # what the user asks for
    random: random.Random
    is_short: bool
    is_kept: bool  # recordings are
    failures: int = 0
    _recordings: dict[tuple[Machine, tuple[str, ...]], Recording] = field(default_factory=dict)

    def count(self, usual: int) -> int:
        return usual if self.runs is None else self.runs

    def recording(self, machine: Machine = MACHINES[0], words: tuple[str, ...] = ()) -> Recording:
        """The recording of that machine, booted with these words more; made when it is first asked for."""
        key = machine, words
        if key not in self._recordings:
            began = time.monotonic()
            recording = Recording.make(self.varve, self.place, machine, words, is_short=self.is_short)
            self._recordings[key] = recording
            note(f"{machine}: {recording.instructions} instructions, {time.monotonic() - began:.0f} s")
        return self._recordings[key]

    def forget(self, recording: Recording) -> None:
        """Makes room: checkpoints take gigabytes."""
        if not self.is_kept:
            self._recordings = {key: known for key, known in self._recordings.items() if known is not recording}
            shutil.rmtree(recording.path)

    def moments(self, recording: Recording, count: int, low: float = 0.02, high: float = 0.98) -> list[int]:
        """Random moments between two shares of the recording."""
        end = recording.instructions
        return [self.random.randrange(int(end * low), int(end * high)) for _ in range(count)]

    def fail(self, what: str) -> None:
        self.failures += 1
        note(f"FAILED: {what}")


def note(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def table(heads: list[str], rows: list[list[object]]) -> None:
    """In Markdown."""
    for row in [heads, ["---"] * len(heads), *rows]:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print(flush=True)


def spread(values: list[float], digits: int = 2) -> str:
    """Median, and least to most."""
    if not values:
        return "-"
    ordered = sorted(values)
    middle = ordered[len(ordered) // 2]
    return f"{middle:.{digits}f} ({ordered[0]:.{digits}f} to {ordered[-1]:.{digits}f})"
