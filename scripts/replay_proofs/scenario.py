"""QEMU's own scenario for reverse debugging (its tests/avocado/reverse_debugging.py), by gdb at random moments.

Ten steps, ten back, ten forward again: the same instructions. Then breakpoints on all of them: going on and coming
back ends at the last one before.
"""

import subprocess
import time

from .guests import MACHINES, VIRT
from .run import Proof, note, spread, table

SCRIPT = """
set pagination off
set confirm off
set remotetimeout 600
set architecture {architecture}
target remote {socket}
monitor seek {moment}
maintenance flush register-cache
python
pc = lambda: int(gdb.parse_and_eval('$pc')) & (2**64 - 1)
def go(command):
    gdb.execute(command, to_string=True)
    return pc()
first = [pc()] + [go('stepi') for _ in range(10)]
back = [go('reverse-stepi') for _ in range(10)]
again = [go('stepi') for _ in range(10)]
for address in set(first): gdb.execute('hbreak *%d' % address, to_string=True)
end = go('reverse-continue')
ok = [back == first[-2::-1], again == first[1:], end == first[-2]]
# On to where the breakpoints stop next, and back from there.
forth = go('continue')
ok.append(forth == first[-1])
ok.append(go('reverse-continue') == first[-2])
print('PROOF', *ok)
end
detach
"""


def prove(proof: Proof) -> None:
    rows = []
    for machine in [*MACHINES, VIRT]:
        count = proof.count(20 if machine == VIRT else 100)
        processor = machine.processor
        recording = proof.recording(machine)
        good = 0
        times = []
        with recording.served(proof.varve) as served:
            served.stub.close()
            script = proof.place / "scenario.gdb"
            socket = recording.path / "proof.socket"
            for index, moment in enumerate(proof.moments(recording, count)):
                settings = {"socket": socket, "moment": moment, "architecture": processor.architecture}
                script.write_text(SCRIPT.format(**settings))
                began = time.monotonic()
                command = [processor.debugger, "-nx", "-batch", "-x", script]
                gdb = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
                times.append(time.monotonic() - began)
                said = [line for line in gdb.stdout.splitlines() if line.startswith("PROOF")]
                if said == ["PROOF True True True True True"]:
                    good += 1
                else:
                    proof.fail(f"{machine}, moment {moment}: {said} {gdb.stderr[-400:]}")
                if index % 10 == 9:
                    note(f"scenario, {machine}: {good} of {index + 1}")
        proof.forget(recording)
        rows.append([machine, f"{good} of {count}", spread(times)])
    table(["machine", "runs of gdb as expected", "s each: median (least to most)"], rows)
