"""A QEMU that runs one of Debian's kernels in a scenario until its witness has seen all and the machine stands."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from . import cache, kernel_guests, kernel_truth
from .errors import LabError
from .kernels import Kernel
from .machine import Program
from .qmp import JSON
from .vm import VM
from .vm_configurations import Configuration
from .waiting import Deadline

_MARKER = "marker.log"
_UP = "LAB: the machine is up"
_MIB = 1 << 20
# Burst enough for the kernel to look for partitions; then whoever reads waits.
_SLOW_DISK = "if=none,id=slow,format=raw,file={place}/slow.raw,throttling.iops-total=1,throttling.iops-total-max=64"
_COMMON = (
    *("-device", "pvpanic"),
    *("-chardev", f"file,id=marker,path={{place}}/{_MARKER}"),
    *("-device", "isa-debugcon,iobase=0xe9,chardev=marker"),
    *("-drive", _SLOW_DISK),
    *("-device", "virtio-blk-pci,drive=slow"),
)


@dataclass(frozen=True)
class Scenario:
    """What the guest does at its stop; `kernels/init` starts it."""

    name: str
    about: str
    memory: int  # MiB
    vcpus: int
    kernel_words: str = "quiet"

    def configuration(self, kernel: Kernel) -> Configuration:
        return Configuration(
            name=f"{kernel.name}-{self.name}",
            about=f"{kernel.about}, {self.about}",
            machine="pc",
            memory=self.memory,
            smp=str(self.vcpus),
            kernel_words=self.kernel_words,
            # On a panic that the device is told of, QEMU stops the machine and keeps it as it is.
            words=("-action", "panic=pause", *_COMMON),
        )


SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario("idle", "at rest", 256, 2),
        Scenario("busy", "every CPU at work: soft interrupts, user mode, a long system call, page faults", 256, 4),
        Scenario("panic", "panicked by sysrq-c", 256, 2, "ignore_loglevel"),
        Scenario("threads", "a process of 2,000 sleeping threads", 512, 2),
    )
}

# In which functions the CPUs of the scenario "busy" are to be stopped: the first one takes an interrupt, soft or hard,
# the last one is well inside a page fault. Entry code, where registers are half saved, is a matter of luck.
_IN_INTERRUPT = re.compile(
    r"^(__do_softirq|handle_softirqs|net_rx_|process_backlog|__netif_receive|ip_rcv|ip_local|__?udp4_lib|udp_.*rcv|"
    r"__udp_enqueue|sock_def_readable|__?hrtimer_|tick_|update_process_times|__sysvec_apic|timekeeping_)"
)
_IN_FAULT = re.compile(r"^(_?_?handle_mm_fault|do_user_addr_fault|do_anonymous|clear_page|get_page_from|__alloc_pages)")


def _is_at_work(states: list[JSON]) -> bool:
    if [state["user"] for state in states] != [False, True, False, False]:
        return False
    functions = [str(state.get("function", "")) for state in states]
    return bool(_IN_INTERRUPT.search(functions[0]) and _IN_FAULT.search(functions[3]))


class KernelVM(VM):
    """A VM whose guest says where its truth is, and how it is stopped depends on its scenario."""

    def __init__(self, kernel: Kernel, scenario: Scenario, program: Program, directory: Path) -> None:
        super().__init__(scenario.configuration(kernel), program, directory)
        self.kernel = kernel
        self.scenario = scenario
        self.incoming: Path | None = None  # the state of another machine, which this one is to begin with

    def pause(self) -> None:
        """Waits for the witness, and stops the machine unless the witness has done so itself."""
        deadline = Deadline(300)
        match self.scenario.name:
            case "busy":
                self._await_line("LAB: the witness is done", deadline)
                self._stop_at_work()
            case "panic":
                self._await_line("end Kernel panic", deadline)
                self.qmp.execute("stop")
            case _:
                self.qmp.event("GUEST_PANICKED", deadline)
                self.qmp.event("STOP", deadline)

    def records(self) -> dict[str, bytes]:
        """What the witness read."""
        memory = kernel_truth.GuestMemory(self.pid, self.scenario.memory * _MIB)
        return kernel_truth.records(memory, (self.directory / _MARKER).read_text())

    def _stop_at_work(self) -> None:
        """Stops again and again until each CPU is at what it was given."""
        self.qmp.execute("stop")
        symbols = kernel_truth.Symbols(self.records()["/proc/kallsyms"].decode())
        states: list[JSON] = []
        for _ in range(3000):
            states = kernel_truth.cpu_states(self.ask("info registers -a"), symbols)
            if _is_at_work(states):
                return
            self.qmp.execute("cont")
            self.qmp.execute("stop")
        raise LabError(f"the CPUs never were at work all at once: {json.dumps(states)}")

    def await_arrival(self, deadline: Deadline) -> None:
        """Waits until all of the other machine's state is here."""
        self.qmp.execute("migrate-set-capabilities", {"capabilities": [{"capability": "events", "state": True}]})
        since = self.qmp.position()
        self.qmp.execute("migrate-incoming", {"uri": f"exec:cat {self.incoming}"})
        self.qmp.event("MIGRATION", deadline, since, status="completed")

    def command_line(self) -> list[str]:
        return super().command_line() + (["-S", "-incoming", "defer"] if self.incoming else [])

    def _guest_words(self) -> list[str]:
        line = "console=ttyS0 panic=0 printk.devkmsg=on"
        line += f" lab.scenario={self.scenario.name} {self.configuration.kernel_words}"
        kernel = ["-kernel", self.path("vmlinuz"), "-initrd", self.path("initramfs.gz")]
        return ["-serial", "chardev:console", *kernel, "-append", line, "-device", "vmcoreinfo"]

    def _make_files(self) -> None:
        image = cache.required(self.kernel.image_subject)
        (self.directory / "vmlinuz").write_bytes((image / "vmlinuz").read_bytes())
        (self.directory / "initramfs.gz").write_bytes(kernel_guests.initramfs(image))
        with (self.directory / "slow.raw").open("wb") as disk:
            disk.truncate(64 * _MIB)

    def _awaited(self) -> list[str]:
        return [] if self.incoming else [_UP]
