"""Another try where a guest's load depends on how the host's processors are shared out."""

import shutil
from collections.abc import Callable
from pathlib import Path

from .errors import LabError
from .steps import say

_TRIES = 3
_BY_CHANCE = "the load did not bring about"  # how qemu_core.py rejects a core that lacks a kind of work


def until_the_load_is_there(make: Callable[[], None], directory: Path) -> None:
    """Makes a core of QEMU under load, three times at most. What a rejected one left is removed; other errors stand."""
    for left in reversed(range(_TRIES)):
        try:
            make()
            return
        except LabError as error:
            if left == 0 or not str(error).startswith(_BY_CHANCE):
                raise
            say(f"{error}; once more")
        for path in directory.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
