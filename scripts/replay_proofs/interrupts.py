"""Ctrl-C during a search backwards: how soon the debugger is answered, and whether the machine is where it was."""

import time

from .run import Proof, note, table

LIMIT = 0.5


def prove(proof: Proof) -> None:
    recording = proof.recording()
    waits: list[float] = []
    unchanged = 0
    count = proof.count(50)
    with recording.served(proof.varve) as served:
        served.seek("end")
        stub = served.stub
        # How long a search through everything takes.
        began = time.monotonic()
        stub.ask("Z1,fff,1")
        stub.ask("bc")
        stub.ask("z1,fff,1")
        whole = time.monotonic() - began
        while len(waits) < count:
            origin = proof.moments(recording, 1, low=0.5)[0]
            served.seek(origin)
            state = served.state()
            # Nothing is executed or written there; another place each time, so that no earlier search answers.
            nowhere = 0x1000 + 16 * proof.random.randrange(1 << 20)
            packet = f"{'12'[len(waits) % 2]},{nowhere:x},{'18'[len(waits) % 2]}"
            stub.ask("Z" + packet)
            stub.send("bc")
            time.sleep(proof.random.uniform(0, whole / 2))
            began = time.monotonic()
            stub.interrupt()
            reply = stub.next()
            seconds = time.monotonic() - began
            while reply.startswith("O"):  # what the debugger is to print
                proof.fail(f"interrupted before {origin}: {bytes.fromhex(reply[1:]).decode().strip()}")
                reply = stub.next()
            if "replaylog" in reply:  # the search had ended
                stub.ask("z" + packet)
                continue
            waits.append(seconds)
            stub.ask("z" + packet)
            is_same = reply.startswith("T02") and served.when() == origin and served.state() == state
            if is_same:
                unchanged += 1
            else:
                proof.fail(f"interrupted before {origin}: {reply}, at {served.when()}")
            if seconds > LIMIT:
                proof.fail(f"interrupted before {origin}: answered after {seconds:.3f} s")
            if len(waits) % 10 == 0:
                note(f"interrupts: {len(waits)}")
    waits.sort()
    share = [waits[min(len(waits) - 1, int(len(waits) * part))] for part in (0.5, 0.9, 1)]
    table(
        ["interrupted", "as it was", "answered within, s: half", "nine of ten", "all"],
        [[count, unchanged, *(f"{value:.3f}" for value in share)]],
    )
