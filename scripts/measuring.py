"""What the benchmark scripts share: commands that are run in turns, and tables of what they took."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Candidate:
    """One command and what its runs took."""

    name: str
    argv: list[str]
    accepted: tuple[int, ...] = (0,)  # exit statuses
    prepare: Callable[[], None] = lambda: None  # before each run, not measured
    output: Path | None = None  # the file that it writes
    wall: list[float] = field(default_factory=list)  # seconds
    cpu: list[float] = field(default_factory=list)  # user and system, seconds
    peak: list[float] = field(default_factory=list)  # MiB
    written: float = 0  # what the output takes on disk, MiB

    def run(self) -> None:
        """Runs the command once, its output thrown away."""
        self.prepare()
        start = time.monotonic()
        with subprocess.Popen(
            self.argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as child:
            complaints = child.stderr.read()
            _, status, usage = os.wait4(child.pid, 0)
            seconds = time.monotonic() - start
            child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in self.accepted:
            sys.exit(f"bench: {self.name} failed ({child.returncode}): {complaints.decode(errors='replace').strip()}")
        self.wall.append(seconds)
        self.cpu.append(usage.ru_utime + usage.ru_stime)
        self.peak.append(usage.ru_maxrss / 1024)
        self.note_output()

    def note_output(self) -> None:
        if self.output:
            self.written = self.output.stat().st_blocks * 512 / 2**20

    def row(self, base: "Candidate") -> str:
        wall, cpu, peak = (statistics.median(values) for values in (self.wall, self.cpu, self.peak))
        return (
            f"| {self.name} | {wall:.3f} ({min(self.wall):.3f}–{max(self.wall):.3f}) | {cpu:.3f} | {peak:.0f} "
            f"| {wall / statistics.median(base.wall):.2f} | {cpu / statistics.median(base.cpu):.2f} |"
            + (f" {self.written:.0f} |" if self.output else "")
        )


def measure(title: str, candidates: list[Candidate], runs: int) -> None:
    """Runs the candidates in turns, once to warm the caches and `runs` times that count."""
    for candidate in candidates:
        candidate.run()
        for values in (candidate.wall, candidate.cpu, candidate.peak):
            values.clear()
    for _ in range(runs):
        for candidate in candidates:
            candidate.run()
    print(f"\n### {title}\n")
    head = "| command | wall, s: median (least–most) | CPU, s | peak memory, MiB | wall ÷ Varve's | CPU ÷ Varve's |"
    head += " output on disk, MiB |" if candidates[0].output else ""
    print(head)
    print("|---" * (head.count("|") - 1) + "|")
    for candidate in candidates:
        print(candidate.row(candidates[0]))


def first_line(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip().splitlines()[0]


def laboratory(subject: str) -> str:
    """The path of a subject, which is made if it is missing."""
    lab = str(ROOT / "Lab/lab")
    known = subprocess.run([lab, "path", subject], capture_output=True, text=True)
    if known.returncode != 0:
        subprocess.run([lab, "build", subject], check=True)
        known = subprocess.run([lab, "path", subject], capture_output=True, text=True, check=True)
    return known.stdout.strip()
