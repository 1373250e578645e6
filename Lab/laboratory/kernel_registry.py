"""The kernels' part of the list of subjects."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from . import cache, kernel_core, kernel_guests, kernel_subjects, kernels, packaged_qemu
from .machine import Program

if TYPE_CHECKING:
    from .subjects import Subject

_SCRIPTS = (
    "laboratory/kernel_vm.py",
    "laboratory/kernel_core.py",
    "laboratory/kernel_truth.py",
    "laboratory/machine.py",
    "laboratory/qmp.py",
    "laboratory/cores.py",
    "laboratory/vm.py",
    "laboratory/vm_core.py",
)
_BINARY = "qemu-debug-ucontext"
_TWIN = "qemu-stripped-7.2"


def subjects(subject: "type[Subject]", program: Callable[[], Program]) -> Iterator["Subject"]:
    """`program` starts the debug QEMU."""
    yield subject(
        name=kernel_guests.SUBJECT,
        kind="guest",
        about="for the kernels' guests: what runs in them, and the witness that sees it from inside",
        make=kernel_guests.make,
        scripts=("laboratory/kernel_guests.py",),
        inputs=kernel_guests.inputs,
    )
    for kernel in kernels.ALL.values():
        yield subject(
            name=kernel.image_subject,
            kind="guest",
            about=f"{kernel.about}, unpacked",
            make=kernel.make_image,
            scripts=("laboratory/kernels.py",),
            inputs=kernel.image_inputs,
            on_demand=kernel_subjects.image_on_demand(kernel),
        )
        if kernel.debug_subject.startswith("kernel-"):
            yield subject(
                name=kernel.debug_subject,
                kind="peer",
                about=f"{kernel.about}: its debug information",
                make=kernel.make_debug,
                scripts=("laboratory/kernels.py",),
                needs=(kernel.image_subject,),
                inputs=kernel.debug_inputs,
                executable=partial(_vmlinux, kernel),
                on_demand=kernel_subjects.is_debug_on_demand(kernel),
            )
    for core in kernel_subjects.ALL:
        yield subject(
            name=core.name,
            kind="kernel-core",
            about=core.scenario.configuration(core.kernel).about,
            make=partial(_make, core, program),
            scripts=_SCRIPTS,
            needs=(core.kernel.image_subject, kernel_guests.SUBJECT, _BINARY, *((_TWIN,) if core.has_twin else ())),
            inputs=partial(_inputs, core),
            executable=lambda: program().path,
            core="core",
            facts={"binary": _BINARY, "stripped": False, **core.facts()},
            truth_files=kernel_core.FILES,
            on_demand=core.on_demand,
        )


def _make(core: kernel_subjects.KernelCore, program: Callable[[], Program], directory: Path) -> None:
    twin = Program(packaged_qemu.INSTALLED, ()) if core.has_twin else None
    kernel_core.make(directory, core.kernel, core.scenario, program(), twin)


def _inputs(core: kernel_subjects.KernelCore) -> list[str]:
    return [repr(core.scenario), str(core.has_twin)]


def _vmlinux(kernel: kernels.Kernel) -> Path:
    return cache.subject_directory(kernel.debug_subject) / "vmlinux"
