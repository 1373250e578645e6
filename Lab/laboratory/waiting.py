"""Waiting for events, never for a length of time."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from .errors import LabError

Entry = TypeVar("Entry")


class Deadline:
    """A limit that several waits share."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        return max(0.0, self._end - time.monotonic())


class Journal(Generic[Entry]):
    """Things that happened, in order; any thread adds, any thread waits for one that fits."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._entries: list[Entry] = []
        self._changed = threading.Condition()
        self._end: str | None = None

    def add(self, entry: Entry) -> None:
        with self._changed:
            self._entries.append(entry)
            self._changed.notify_all()

    def finish(self, why: str) -> None:
        """Nothing more will come."""
        with self._changed:
            self._end = self._end or why
            self._changed.notify_all()

    def count(self) -> int:
        with self._changed:
            return len(self._entries)

    def first(self, fits: Callable[[Entry], bool], awaited: str, deadline: Deadline, since: int = 0) -> Entry:
        """The first entry from position `since` on that fits, waiting for it if it hasn't come yet."""
        seen = since
        with self._changed:
            while True:
                for entry in self._entries[seen:]:
                    if fits(entry):
                        return entry
                seen = len(self._entries)
                if self._end is not None:
                    raise LabError(f"{self._what}: {self._end} before {awaited}{self._last()}")
                if not self._changed.wait(deadline.left()) and deadline.left() == 0:
                    raise LabError(f"{self._what}: no {awaited} within {deadline.seconds:.0f} s{self._last()}")

    def _last(self) -> str:
        return "".join(f"\n    {entry}" for entry in self._entries[-15:])
