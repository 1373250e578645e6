"""Which kernels run which scenarios, and which of that is made without being asked for."""

import os
from dataclasses import dataclass
from typing import Any

from . import cache, kernels
from .kernel_vm import SCENARIOS, Scenario
from .kernels import Kernel

# What CI makes. The others are made when they are named, or all with VARVE_LAB_ALL in the environment.
_DEFAULT = """
    6.1-cloud   idle busy panic threads
    6.12-cloud  idle threads
    5.10        idle
    new         idle
"""
_WITH_TWIN = "6.1-cloud-idle"
_DEBUG_LIMIT = 400  # MB to download; larger ones are only made by name


@dataclass(frozen=True)
class KernelCore:
    """One subject of kind kernel-core."""

    kernel: Kernel
    scenario: Scenario
    on_demand: bool

    @property
    def name(self) -> str:
        return f"kernel-{self.kernel.name}-{self.scenario.name}"

    @property
    def has_twin(self) -> bool:
        return self.name == f"kernel-{_WITH_TWIN}"

    def facts(self) -> dict[str, Any]:
        return {
            "machine": "pc",
            "memory": self.scenario.memory << 20,
            "vcpus": self.scenario.vcpus,
            "guest": "linux",
            "mode": "long",
            "vmcoreinfo_note": True,
            "taken_by": "gcore",
            "kernel": self.kernel.name,
            "scenario": self.scenario.name,
            "vmlinux": str(cache.subject_directory(self.kernel.debug_subject) / "vmlinux"),
        }


def is_debug_on_demand(kernel: Kernel) -> bool:
    return not _everything() and (kernel.debug_size > _DEBUG_LIMIT or kernel.name not in ("6.1-cloud", "6.12-cloud"))


def _everything() -> bool:
    return "VARVE_LAB_ALL" in os.environ


def _defaults() -> set[tuple[str, str]]:
    lines = [line.split() for line in _DEFAULT.splitlines() if line.strip()]
    return {(words[0], scenario) for words in lines for scenario in words[1:]}


ALL: list[KernelCore] = sorted(
    (
        KernelCore(kernel, scenario, (kernel.name, scenario.name) not in _defaults() and not _everything())
        for kernel in kernels.ALL.values()
        for scenario in SCENARIOS.values()
    ),
    key=lambda core: core.on_demand,
)


def image_on_demand(kernel: Kernel) -> bool:
    return all(core.on_demand for core in ALL if core.kernel is kernel)
