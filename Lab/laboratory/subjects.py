"""The list of subjects: what each is, what it is made from, and how."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache as once
from pathlib import Path
from typing import Any

from . import (
    arm_guest,
    cache,
    guest,
    kernel_registry,
    large_core,
    machine_guests,
    other_qemus,
    packaged_qemu,
    peer_makedumpfile,
    peer_unstable,
    peers,
    programs,
    qemu_build,
    qemu_core,
    retries,
    truth,
    variants,
    vm_core,
    vm_subjects,
)
from .errors import LabError
from .machine import Program, firmware_on_host

_CORE_SCRIPTS = (
    "laboratory/machine.py",
    "laboratory/qmp.py",
    "laboratory/stalled_nbd.py",
    "laboratory/qemu_core.py",
    "laboratory/cores.py",
    "laboratory/truth.py",
    "truth/in_gdb.py",
)
_MACHINE_SCRIPTS = (
    "laboratory/machine.py",
    "laboratory/qmp.py",
    "laboratory/cores.py",
    "laboratory/vm.py",
    "laboratory/vm_core.py",
)


@dataclass(frozen=True)
class Subject:
    """One thing that the laboratory makes."""

    name: str
    kind: str  # "binary", "guest", "qemu-core", "large-core", "program-core", "machine-core", "kernel-core" or "peer"
    about: str
    make: Callable[[Path], None]
    scripts: tuple[str, ...]  # files of Lab/ whose change makes it stale
    needs: tuple[str, ...] = ()
    inputs: Callable[[], list[str]] = list
    executable: Callable[[], Path] | None = None
    sysroot: Callable[[], Path | None] = lambda: None
    core: str | None = None  # the core's name in the subject's directory
    facts: dict[str, Any] = field(default_factory=dict)
    truth_files: Mapping[str, str] = field(default_factory=lambda: truth.FILES)  # manifest key -> file beside the core
    kept_files: Mapping[str, str] = field(default_factory=dict)  # the same, for what is a fact of its own
    on_demand: bool = False  # made only when it is named

    @property
    def directory(self) -> Path:
        return cache.subject_directory(self.name)

    def path(self) -> Path:
        """The file that a user of the subject wants: a core, a program, or else the directory."""
        if self.core:
            return self.directory / self.core
        return self.executable() if self.executable else self.directory


def _debug_binary(backend: str, needs: tuple[str, ...]) -> Subject:
    name = f"qemu-debug-{backend}"

    def make(directory: Path) -> None:
        qemu_build.build(directory, backend)
        if backend == "sigaltstack":
            qemu_build.discard_tree()

    return Subject(
        name=name,
        kind="binary",
        about=f"Debian 12's QEMU source, x86-64 only, -O2 -g, coroutines by {backend}",
        make=make,
        scripts=("laboratory/qemu_build.py",),
        needs=needs,
        inputs=qemu_build.inputs,
        executable=lambda: cache.subject_directory(name) / qemu_build.TARGET,
        facts={"coroutine_backend": backend, "stripped": False},
    )


def _qemu_core(
    name: str,
    binary: str,
    about: str,
    program: Callable[[], Program],
    how: str,
    *,
    backend: str,
    stripped: bool,
    dump_guest_core: bool = True,
    stop_at: str | None = None,
) -> Subject:
    def sysroot() -> Path | None:
        return program().root

    def executable() -> Path:
        return Path(f"{sysroot() or ''}{program().path}")

    def make(directory: Path) -> None:
        known = None if stripped else backend

        def attempt() -> None:
            qemu_core.make(directory, program(), how, known, dump_guest_core=dump_guest_core, stop_at=stop_at)

        retries.until_the_load_is_there(attempt, directory)

    return Subject(
        name=name,
        kind="qemu-core",
        about=about,
        make=make,
        scripts=_CORE_SCRIPTS,
        needs=("guest", binary),
        executable=executable,
        sysroot=sysroot,
        core="core",
        facts={
            "taken_by": how,
            "coroutine_backend": backend,
            "stripped": stripped,
            "dump_guest_core": dump_guest_core,
            "binary": binary,
        },
    )


def _machine_core(machine: vm_subjects.MachineCore) -> Subject:
    binary, program = PROGRAMS[machine.program]

    def sysroot() -> Path | None:
        return program().root

    return Subject(
        name=machine.name,
        kind="machine-core",
        about=f"{machine.configuration.about}; {machine.how} of {binary}",
        make=lambda directory: vm_core.make(
            directory, machine.configuration, program(), machine.how, dump=not machine.on_demand
        ),
        scripts=_MACHINE_SCRIPTS,
        needs=("guest", "machine-guests", binary),
        inputs=lambda: [repr(machine)],
        executable=lambda: Path(f"{sysroot() or ''}{program().path}"),
        sysroot=sysroot,
        core="core",
        facts={"binary": binary, "stripped": machine.program != "debug", **machine.facts()},
        truth_files=vm_core.FILES,
        kept_files={"ram_file": machine.ram_file} if machine.ram_file else {},
        on_demand=machine.on_demand,
    )


def _variant(name: str, of: str, about: str, make: Callable[[Path, Path], None], core: str, **facts: Any) -> Subject:
    """A core made from another subject's core, whose truth holds for it too."""
    original = _registry_entry(of)
    return Subject(
        name=name,
        kind=original.kind,
        about=about,
        make=lambda directory: make(original.path(), directory / core),
        scripts=("laboratory/variants.py",),
        needs=(of,),
        executable=original.executable,
        sysroot=original.sysroot,
        core=core,
        facts={**original.facts, **facts, "variant_of": of},
    )


_IN_ROOT = Path("/usr/bin/qemu-system-x86_64")

# The programs that machines run on: the subject, and how it is started.
PROGRAMS: dict[str, tuple[str, Callable[[], Program]]] = {
    "debug": ("qemu-debug-ucontext", lambda: _debug("ucontext")()),
    "stripped-7.2": ("qemu-stripped-7.2", lambda: Program(packaged_qemu.INSTALLED, ())),
    "stripped-10": ("qemu-stripped-10", lambda: Program(_IN_ROOT, (), packaged_qemu.trixie_root())),
    "stripped-5.2": (other_qemus.OLD, lambda: Program(_IN_ROOT, (), other_qemus.root(other_qemus.OLD))),
    "stripped-new": (other_qemus.NEW, lambda: Program(_IN_ROOT, (), other_qemus.root(other_qemus.NEW))),
}

_registry: dict[str, Subject] = {}


def _registry_entry(name: str) -> Subject:
    return _registry[name]


def _add(subject: Subject) -> None:
    _registry[subject.name] = subject


def _debug(backend: str) -> Callable[[], Program]:
    path = cache.subject_directory(f"qemu-debug-{backend}") / qemu_build.TARGET
    return lambda: Program(path, firmware_on_host())


@once
def all_subjects() -> dict[str, Subject]:
    """Every subject by name, each after those it needs."""
    _add(
        Subject(
            name="guest",
            kind="guest",
            about="Debian 12's cloud kernel and an initramfs with threads and disk load of the laboratory's own",
            make=guest.make,
            scripts=("laboratory/guest.py",),
            inputs=guest.inputs,
        )
    )
    _add(_debug_binary("ucontext", ()))
    _add(
        _qemu_core(
            "core-ucontext-gcore",
            "qemu-debug-ucontext",
            "gdb's gcore of the debug QEMU under load",
            _debug("ucontext"),
            "gcore",
            backend="ucontext",
            stripped=False,
        )
    )
    _add(_debug_binary("sigaltstack", ("qemu-debug-ucontext",)))
    _add(
        Subject(
            name="qemu-stripped-7.2",
            kind="binary",
            about="Debian 12's own QEMU, as installed: no symbols",
            make=packaged_qemu.make_installed,
            scripts=("laboratory/packaged_qemu.py",),
            inputs=packaged_qemu.installed_inputs,
            executable=lambda: packaged_qemu.INSTALLED,
            facts={"coroutine_backend": "ucontext", "stripped": True},
        )
    )
    _add(
        Subject(
            name="qemu-stripped-10",
            kind="binary",
            about="Debian 13's QEMU with all it needs in a root of its own: no symbols, not the host's libraries",
            make=packaged_qemu.make_trixie,
            scripts=("laboratory/packaged_qemu.py",),
            inputs=packaged_qemu.trixie_inputs,
            executable=lambda: packaged_qemu.trixie_root() / "usr/bin/qemu-system-x86_64",
            sysroot=packaged_qemu.trixie_root,
            facts={"coroutine_backend": "ucontext", "stripped": True},
        )
    )
    for name, dump_guest_core in (("core-ucontext-abort", True), ("core-ucontext-abort-noguest", False)):
        _add(
            _qemu_core(
                name,
                "qemu-debug-ucontext",
                f"the kernel's core of the debug QEMU, {'with' if dump_guest_core else 'without'} guest memory",
                _debug("ucontext"),
                "abort",
                backend="ucontext",
                stripped=False,
                dump_guest_core=dump_guest_core,
            )
        )
    _add(
        _qemu_core(
            "core-ucontext-in-coroutine",
            "qemu-debug-ucontext",
            "the kernel's core of the debug QEMU, dying inside a coroutine that another coroutine entered",
            _debug("ucontext"),
            "abort",
            backend="ucontext",
            stripped=False,
            stop_at="mirror_co_read",
        )
    )
    _add(
        _qemu_core(
            "core-sigaltstack-abort",
            "qemu-debug-sigaltstack",
            "the kernel's core of the debug QEMU whose coroutines use sigaltstack",
            _debug("sigaltstack"),
            "abort",
            backend="sigaltstack",
            stripped=False,
        )
    )
    for how in ("gcore", "abort"):
        _add(
            _qemu_core(
                f"core-stripped-7.2-{how}",
                "qemu-stripped-7.2",
                f"core of Debian 12's QEMU by {how}: no symbols",
                lambda: Program(packaged_qemu.INSTALLED, ()),
                how,
                backend="ucontext",
                stripped=True,
            )
        )
    _add(
        _qemu_core(
            "core-stripped-10-abort",
            "qemu-stripped-10",
            "the kernel's core of Debian 13's QEMU in a chroot: the host's files of the same paths don't fit",
            lambda: Program(_IN_ROOT, (), packaged_qemu.trixie_root()),
            "abort",
            backend="ucontext",
            stripped=True,
        )
    )
    _add(
        _variant(
            "core-ucontext-truncated",
            "core-ucontext-abort",
            "the first 60 % of core-ucontext-abort, as when the disk was full",
            variants.truncate,
            "core",
            truncated_to=variants.SHARE_KEPT,
        )
    )
    _add(
        _variant(
            "core-ucontext-zstd",
            "core-ucontext-abort-noguest",
            "core-ucontext-abort-noguest compressed by zstd",
            variants.compress,
            "core.zst",
            compressed="zstd",
        )
    )
    _add(
        Subject(
            name="core-large",
            kind="large-core",
            about="gdb's gcore of the debug QEMU with 2.5 GiB of used guest RAM, to measure with (only by name)",
            make=lambda directory: large_core.make(directory, _debug("ucontext")()),
            scripts=("laboratory/large_core.py", "laboratory/machine.py", "laboratory/cores.py"),
            needs=("guest", "qemu-debug-ucontext"),
            executable=_registry_entry("qemu-debug-ucontext").executable,
            core="core",
            facts={"binary": "qemu-debug-ucontext"},
            on_demand=True,
        )
    )
    _add(
        Subject(
            name="programs",
            kind="binary",
            about="the host programs, each in a directory of its own",
            make=programs.make_all,
            scripts=("laboratory/programs.py",),
            inputs=programs.inputs,
        )
    )
    for program in programs.ALL:
        _add(
            Subject(
                name=f"program-{program.name}",
                kind="program-core",
                about=program.about,
                make=program.make,
                scripts=("laboratory/cores.py", "laboratory/truth.py"),
                needs=("programs",),
                executable=program.executable,
                core="core",
                facts=program.facts(),
            )
        )
    _add(
        Subject(
            name="machine-guests",
            kind="guest",
            about="the guest's initramfs with another init, a boot sector in real mode, a kernel in protected mode",
            make=machine_guests.make,
            scripts=("laboratory/machine_guests.py",),
            needs=("guest",),
            inputs=machine_guests.inputs,
        )
    )
    _add(
        Subject(
            name=arm_guest.SUBJECT,
            kind="guest",
            about="Debian 12's cloud kernel for arm64 and an initramfs: busybox and an init",
            make=arm_guest.make,
            scripts=("laboratory/arm_guest.py",),
            inputs=arm_guest.inputs,
        )
    )
    _add_peers()
    _add(_other_qemu(other_qemus.OLD, "Debian 11's QEMU in a root of its own: no symbols"))
    _add(_other_qemu(other_qemus.NEW, "Debian unstable's QEMU in a root of its own: no symbols"))
    for machine in vm_subjects.ALL:
        _add(_machine_core(machine))
    for subject in kernel_registry.subjects(Subject, _debug("ucontext")):
        _add(subject)
    return _registry


def _other_qemu(name: str, about: str) -> Subject:
    return Subject(
        name=name,
        kind="binary",
        about=about,
        make=lambda directory: other_qemus.make(name, directory),
        scripts=("laboratory/other_qemus.py",),
        inputs=lambda: other_qemus.inputs(name),
        executable=lambda: other_qemus.root(name) / "usr/bin/qemu-system-x86_64",
        sysroot=lambda: other_qemus.root(name),
        facts={"coroutine_backend": "ucontext", "stripped": True},
    )


def _add_peers() -> None:
    _add(
        Subject(
            name="peer-drgn",
            kind="peer",
            about=f"drgn {peers.DRGN} from PyPI, in an environment of its own",
            make=peers.make_drgn,
            scripts=("laboratory/peers.py",),
            inputs=peers.drgn_inputs,
            executable=lambda: cache.subject_directory("peer-drgn") / "drgn",
        )
    )
    _add(
        Subject(
            name="vmlinux-debug",
            kind="peer",
            about="the guest's kernel with its debug information",
            make=peers.make_vmlinux,
            scripts=("laboratory/peers.py",),
            needs=("guest",),
            inputs=peers.vmlinux_inputs,
            executable=lambda: cache.subject_directory("vmlinux-debug") / "vmlinux",
        )
    )
    _add(
        Subject(
            name="peer-gdb-script",
            kind="peer",
            about="QEMU's script for gdb that writes a guest's memory out of a core, as of the debug QEMU",
            make=peers.make_gdb_script,
            scripts=("laboratory/peers.py",),
            inputs=peers.gdb_script_inputs,
            executable=lambda: cache.subject_directory("peer-gdb-script") / peers.GDB_SCRIPT,
        )
    )
    _add(
        Subject(
            name="peer-makedumpfile",
            kind="peer",
            about="Debian 13's makedumpfile, which has zstd",
            make=peer_makedumpfile.make,
            scripts=("laboratory/peer_makedumpfile.py",),
            inputs=peer_makedumpfile.inputs,
            executable=lambda: cache.subject_directory("peer-makedumpfile") / peer_makedumpfile.PROGRAM,
        )
    )
    _add(
        Subject(
            name="peer-unstable",
            kind="peer",
            about="Debian unstable's crash and makedumpfile, which know the newest kernels",
            make=peer_unstable.make,
            scripts=("laboratory/peer_unstable.py",),
            inputs=peer_unstable.inputs,
        )
    )


def named(names: list[str]) -> list[Subject]:
    """The subjects of these names and all they need, in the order in which they can be made."""
    everything = all_subjects()
    if unknown := [name for name in names if name not in everything]:
        raise LabError(f"no subject {', '.join(unknown)}; there are: {' '.join(everything)}")
    wanted: set[str] = set()

    def want(name: str) -> None:
        if name not in wanted:
            wanted.add(name)
            for needed in everything[name].needs:
                want(needed)

    for name in names or [name for name, subject in everything.items() if not subject.on_demand]:
        want(name)
    return [subject for name, subject in everything.items() if name in wanted]


@once
def stamp(name: str) -> str:
    """A hash of all that the subject is made from."""
    subject = all_subjects()[name]
    parts = [name]
    parts += [cache.file_digest(cache.LAB / script) for script in subject.scripts]
    parts += subject.inputs()
    parts += [stamp(needed) for needed in subject.needs]
    return cache.stamp_of(parts)


def is_fresh(subject: Subject) -> bool:
    return cache.stamp_on_disk(subject.name) == stamp(subject.name)
