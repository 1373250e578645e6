"""Which configuration is run by which QEMU, and how its core is taken."""

from dataclasses import dataclass
from typing import Any

from . import vm_configurations
from .vm_configurations import RAM_FILE, Configuration


@dataclass(frozen=True)
class MachineCore:
    """One subject of kind machine-core."""

    configuration: Configuration
    program: str  # the end of the subject's name, and a key of subjects.PROGRAMS
    how: str  # "gcore" or "abort"
    on_demand: bool = False

    @property
    def name(self) -> str:
        return f"vm-{self.configuration.name}-{self.program}"

    def facts(self) -> dict[str, Any]:
        """What the manifest says of it, besides what it says of every core."""
        configuration = self.configuration
        facts: dict[str, Any] = {
            "machine": configuration.kind,
            "memory": configuration.memory << 20,
            "vcpus": int(configuration.smp.split(",")[0]),
            "guest": configuration.guest,
            "vmcoreinfo_note": configuration.has_note,
            "coredump_filter": configuration.coredump_filter,
            "taken_by": self.how,
        }
        if configuration.mode:
            facts["mode"] = configuration.mode
        if configuration.guest == "linux":
            facts["spinning_vcpu"] = configuration.spin
        if configuration.excluded_block:
            facts["excluded_block"] = configuration.excluded_block
        return facts

    @property
    def ram_file(self) -> str | None:
        return RAM_FILE if self.configuration.ram_file else None


# The first three are what most tests look at; so they are made first.
_MADE = """
    pc-256             debug         gcore
    q35-5g             stripped-7.2  abort
    microvm            debug         abort
    q35-5g             debug         abort
    pc-numa-memfd      debug         gcore
    pc-dimm            debug         gcore
    pc-5g              debug         abort
    pc-3840            debug         abort
    pc-3328            debug         abort
    q35-3g             debug         abort
    q35-2560           debug         abort
    microvm-4g         debug         abort
    q35-file           debug         abort
    pc-file            debug         gcore
    q35-memfd          debug         gcore
    q35-dimm-excluded  debug         abort
    pc-numa-excluded   debug         gcore
    q35-noguest        debug         abort
    q35-vga            debug         gcore
    pc-vga             debug         abort
    q35-flash          debug         gcore
    q35-nvdimm         debug         abort
    pc-max             debug         gcore
    pc-smp4            debug         abort
    pc-real            debug         gcore
    q35-protected      debug         abort
    pc-firmware        debug         gcore
    pc-256             stripped-7.2  gcore
    microvm            stripped-7.2  gcore
    pc-numa-memfd      stripped-7.2  abort
    pc-dimm            stripped-7.2  gcore
    q35-vga            stripped-7.2  gcore
    pc-real            stripped-7.2  abort
    q35-protected      stripped-7.2  gcore
    pc-256             stripped-10   abort
    q35-5g             stripped-10   abort
    microvm            stripped-10   gcore
    pc-numa-memfd      stripped-10   gcore
    pc-dimm            stripped-10   abort
    pc-real            stripped-10   gcore
    q35-protected      stripped-10   abort
    pc-256             stripped-5.2  gcore
    q35-3g             stripped-5.2  abort
    pc-256             stripped-new  abort
    q35-3g             stripped-new  gcore
"""

ALL = [
    MachineCore(vm_configurations.ALL[name], program, how)
    for name, program, how in (line.split() for line in _MADE.split("\n") if line.strip())
]
ALL.append(MachineCore(vm_configurations.ALL["sparse-16g"], "debug", "gcore", on_demand=True))
