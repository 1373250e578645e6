"""Registers and all memory at random moments, reached in three ways.

Straight forwards by a QEMU that Varve has nothing to do with; by Varve, from a checkpoint; and by Varve after going
back and forth around the moment.
"""

from .guests import Served
from .run import Proof, note, table


def prove(proof: Proof) -> None:
    recording = proof.recording()
    moments = sorted(set(proof.moments(recording, proof.count(50))))
    straight = {}
    with recording.plain() as plain:
        for moment in moments:
            plain.run(moment)
            straight[moment] = plain.state()
        note("states: been straight forwards")
    same = {"from a checkpoint": 0, "after going back and forth": 0}
    order = proof.random.sample(moments, len(moments))
    with recording.served(proof.varve) as served:
        # Lays checkpoints, so that the moments are reached from those.
        served.seek("end")
        for index, moment in enumerate(order):
            served.seek(moment)
            state = served.state()
            note_sameness(proof, same, "from a checkpoint", moment, state == straight[moment])
            wander(proof, served, moment)
            state = served.state()
            note_sameness(proof, same, "after going back and forth", moment, state == straight[moment])
            if index % 10 == 9:
                note(f"states: {index + 1}")
    rows = [[way, f"{count} of {len(moments)}"] for way, count in same.items()]
    table(["compared with a replay straight forwards", "same registers and memory"], rows)


def note_sameness(proof: Proof, same: dict[str, int], way: str, moment: int, is_same: bool) -> None:
    if is_same:
        same[way] += 1
    else:
        proof.fail(f"another state at {moment} {way}")


def wander(proof: Proof, served: Served, moment: int) -> None:
    """Back and forth, and to `moment` again, by single steps in the end."""
    stub = served.stub
    for _ in range(proof.random.randrange(1, 40)):
        stub.ask("bs")
    start = stub.counter()
    # Back to the last time that this instruction was executed before.
    stub.ask(f"Z1,{start:x},1")
    stub.ask("bc")
    stub.ask(f"z1,{start:x},1")
    served.seek(max(0, moment - proof.random.randrange(1, 50)))
    while served.when() < moment:
        stub.ask("s")
