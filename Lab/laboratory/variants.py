"""Cores derived from other cores."""

import os
from pathlib import Path

from .commands import run

SHARE_KEPT = 0.6


def truncate(core: Path, final: Path) -> None:
    """A copy that ends early."""
    log = final.parent / "build.log"
    run(["cp", "--sparse=always", core, final], limit=120, log=log)
    os.truncate(final, int(core.stat().st_size * SHARE_KEPT))


def compress(core: Path, final: Path) -> None:
    """A copy in zstd's format."""
    run(["nice", "-n", "5", "zstd", "-q", "-3", "-T0", core, "-o", final], limit=300, log=final.parent / "build.log")
    final.chmod(0o600)
