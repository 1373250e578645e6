"""QEMU is killed at a random point of a request: the debugger gets the answer that it would have got without."""

import os
import random
import re
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from .guests import Recording, Served
from .run import Proof, note, spread, table


@dataclass
class Request:
    kind: str
    moment: int  # where it begins
    ask: Callable[[Served], str]

    def run(self, recording: Recording, proof: Proof, delay: float | None) -> tuple[str, float, bool]:
        """By a Varve of its own: the answer and what is then to be seen, the seconds, whether QEMU was killed."""
        with recording.served(proof.varve) as served:
            served.seek(self.moment)
            began = time.monotonic()
            killed = threading.Event()
            engine = served.engine()

            def kill() -> None:
                os.kill(engine, signal.SIGKILL)
                killed.set()

            timer = threading.Timer(delay or 0, kill)
            if delay is not None:
                timer.start()
            answer = self.ask(served)
            seconds = time.monotonic() - began
            timer.cancel()
            if delay is not None:
                timer.join()
            # An estimate between checkpoints, of which a killed request may lay others.
            answer = re.sub(r"about [0-9.]+ s of guest time", "", answer)
            return f"{answer} {served.when()} {served.stub.registers()}", seconds, killed.is_set()


def requests(proof: Proof, recording: Recording, count: int) -> list[Request]:
    made = []
    for index, moment in enumerate(proof.moments(recording, count, low=0.2)):
        generator = random.Random(proof.random.random())
        kind = ("reverse-continue", "last-write", "reverse-stepi", "seek")[index % 4]
        made.append(Request(kind, moment, lambda served, k=kind, g=generator: _ask(served, k, g.getstate())))
    return made


def _ask(served: Served, kind: str, state: object) -> str:
    chance = random.Random()
    chance.setstate(state)
    stub = served.stub
    registers = bytes.fromhex(stub.registers())
    pointer = int.from_bytes(registers[56:64], "little") & ~7
    counter = int.from_bytes(registers[128:136], "little")
    match kind:
        case "reverse-continue":
            # An instruction a little further on: where it was executed last may be far away.
            stub.ask(f"Z1,{counter:x},1")
            stub.ask(f"Z2,{pointer - 8 * chance.randrange(64):x},8")
            return stub.ask("bc")
        case "last-write":
            return stub.monitor(f"last-write {pointer + 8 * chance.randrange(-64, 64):#x},8")
        case "reverse-stepi":
            return stub.ask("bs")
        case _:
            return stub.monitor(f"seek {chance.randrange(1, 90)}%")


def prove(proof: Proof) -> None:
    recording = proof.recording()
    with recording.served(proof.varve) as served:
        served.seek("end")
    kinds: dict[str, list] = {}
    for index, request in enumerate(requests(proof, recording, proof.count(50))):
        expected, usual, _ = request.run(recording, proof, None)
        # Where the answer comes sooner than the first time, a kill comes too late; it is tried again.
        for _ in range(20):
            delay = proof.random.uniform(0, usual)
            answer, seconds, was_killed = request.run(recording, proof, delay)
            if was_killed:
                break
        row = kinds.setdefault(request.kind, [0, 0, 0, [], []])
        row[0] += 1
        row[1] += was_killed
        row[2] += answer == expected
        row[3].append(usual)
        row[4].append(seconds)
        if answer != expected:
            where = f"{request.kind} at {request.moment}, killed after {delay:.3f} s"
            proof.fail(f"{where}: {answer[:80]}, not {expected[:80]}")
        if index % 5 == 4:
            note(f"kills: {index + 1}")
    table(
        ["request", "asked", "killed meanwhile", "same answer and state", "s without", "s with the kill"],
        [[kind, *row[:3], spread(row[3]), spread(row[4])] for kind, row in kinds.items()],
    )
