"""Debian 13's makedumpfile: Debian 12's has neither zstd nor snappy compiled in."""

from pathlib import Path

from .archive import TRIXIE
from .commands import output_of
from .errors import LabError
from .steps import step

PROGRAM = "usr/bin/makedumpfile"


def inputs() -> list[str]:
    return [TRIXIE.version("makedumpfile")]


def make(directory: Path) -> None:
    """Unpacks the program alone: it runs with the host's libraries, so that it compresses with the same libzstd."""
    (version,) = inputs()
    with step(f"makedumpfile {version}"):
        TRIXIE.unpack("makedumpfile", directory)
    if "zstd\tenabled" not in output_of([directory / PROGRAM, "-v"]):
        raise LabError(f"makedumpfile {version} has no zstd")
    (directory / "version").write_text(version + "\n")
