"""Progress on standard error: what is being done, and how long it took."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_depth = 0


def say(text: str) -> None:
    """One line of progress."""
    print(f"lab: {'  ' * _depth}{text}", file=sys.stderr, flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Announces a step, and its time when it has worked."""
    global _depth
    say(f"{text} ...")
    began = time.monotonic()
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1
    say(f"{text}: {time.monotonic() - began:.1f} s")
