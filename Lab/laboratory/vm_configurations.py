"""The machines whose memory QEMU's own dump and a core of QEMU's process show at one and the same moment."""

from dataclasses import dataclass
from typing import Literal

from .qmp import JSON

Mode = Literal["long", "protected", "real"]
Guest = Literal["linux", "real", "protected", "firmware"]

_ANONYMOUS_ONLY = 0x33  # Linux's default, core(5): no shared mappings of files
_EVERYTHING = 0x7F

# Pages that the kernel has freed would be half of what a small guest leaves in a core.
_ZERO = "init_on_free=1"

RAM_FILE = "ram.bin"


@dataclass(frozen=True)
class Configuration:
    """One machine: what QEMU is told, and what is known of it."""

    name: str
    about: str
    machine: str  # the value of -machine
    memory: int  # MiB at start
    smp: str = "2"
    guest: Guest = "linux"
    vmcoreinfo: bool = True  # the guest loads the driver that tells QEMU about its VMCOREINFO
    spin: int = 1  # the vCPU that a Linux guest keeps busy in user mode
    kernel_words: str = _ZERO
    words: tuple[str, ...] = ()  # more options; {place} is the machine's directory
    memory_words: str = ""  # more of -m's value
    plugged: tuple[tuple[str, JSON], ...] = ()  # QMP commands once the guest is up
    translation_buffer: int | None = 16  # MiB; None leaves QEMU's own gigabyte
    coredump_filter: int = _ANONYMOUS_ONLY
    ram_file: bool = False  # RAM is in a file, which is kept
    excluded_block: str | None = None  # the RAM block that the core is to leave out

    @property
    def kind(self) -> str:
        """The machine's name without its properties."""
        return self.machine.split(",")[0]

    @property
    def mode(self) -> Mode | None:
        """What the vCPUs that do something are in. SeaBIOS goes from one to another all the time."""
        modes: dict[Guest, Mode] = {"linux": "long", "protected": "protected", "real": "real"}
        return modes.get(self.guest)

    @property
    def has_note(self) -> bool:
        return self.guest == "linux" and self.vmcoreinfo


def _with_little(low: int, high: int) -> str:
    """Kernel words that leave Linux 128 MiB at the start of RAM and 256 MiB above 4 GiB, to describe and to clear.

    `low` and `high` are where RAM ends, in MiB, below and above 4 GiB.
    """
    return f"memmap={low - 128}M$128M memmap={high - 4352}M$4352M {_ZERO}"


def _backend(kind: str, name: str, size: int, more: str = "") -> tuple[str, ...]:
    return ("-object", f"memory-backend-{kind},id={name},size={size}M{more}")


def _file(size: int) -> tuple[str, ...]:
    return _backend("file", "ram", size, f",share=on,mem-path={{place}}/{RAM_FILE}")


def _nodes(*backends: str) -> tuple[str, ...]:
    words: list[str] = []
    for number, backend in enumerate(backends):
        words += ["-numa", f"node,nodeid={number},cpus={number},memdev={backend}"]
    return tuple(words)


def _dimm(size: int, more: JSON | None = None) -> tuple[tuple[str, JSON], ...]:
    backend: JSON = {"qom-type": "memory-backend-ram", "id": "plugged", "size": size << 20, **(more or {})}
    return (
        ("object-add", backend),
        ("device_add", {"driver": "pc-dimm", "id": "dimm0", "memdev": "plugged"}),
    )


# Without ACPI there is no way for the guest's driver to find fw_cfg; with it Linux has no timer to measure the
# processor's clock by, and waits for ever if a busy host lets its first attempt fail. So the clock is given.
_MICROVM = "microvm,isa-serial=on,acpi=on"
_CLOCK = "tsc_early_khz=2000000"
_WHOLE = ("-machine", "memory-backend=ram")  # all of the machine's RAM is that backend
_SLOTS = ",slots=2,maxmem=1G"
# Where memory may be plugged in above 4 GiB, Linux would set 64 MiB aside to copy DMA through, half of what it has.
_SMALL_BOUNCE_BUFFER = "swiotlb=512"

ALL: dict[str, Configuration] = {
    configuration.name: configuration
    for configuration in (
        Configuration("pc-256", "i440fx, 256 MiB", "pc", 256),
        Configuration(
            "q35-5g",
            "q35, 5 GiB lazily touched: RAM below and above 4 GiB",
            "q35",
            5120,
            kernel_words=_with_little(2048, 7168),
        ),
        Configuration(
            "microvm",
            "microvm, 128 MiB, one vCPU that spins",
            _MICROVM,
            128,
            smp="1",
            spin=0,
            kernel_words=f"{_ZERO} {_CLOCK}",
        ),
        Configuration(
            "pc-numa-memfd",
            "i440fx, two NUMA nodes in shared memfds",
            "pc",
            256,
            smp="2",
            words=(
                *_backend("memfd", "m0", 128, ",share=on"),
                *_backend("memfd", "m1", 128, ",share=on"),
                *_nodes("m0", "m1"),
            ),
        ),
        Configuration(
            "pc-dimm",
            "i440fx, 128 MiB and a DIMM of 128 MiB plugged in later",
            "pc",
            128,
            kernel_words=f"{_ZERO} {_SMALL_BOUNCE_BUFFER}",
            memory_words=_SLOTS,
            plugged=_dimm(128),
        ),
        Configuration("pc-5g", "i440fx, 5 GiB lazily touched", "pc", 5120, kernel_words=_with_little(3072, 6144)),
        Configuration(
            "pc-3840",
            "i440fx, 3.75 GiB: split at 3 GiB",
            "pc",
            3840,
            vmcoreinfo=False,
            kernel_words=_with_little(3072, 4864),
        ),
        Configuration("pc-3328", "i440fx, 3.25 GiB: all below 3.5 GiB", "pc", 3328, guest="protected"),
        Configuration("q35-3g", "q35, 3 GiB: split at 2 GiB", "q35", 3072, kernel_words=_with_little(2048, 5120)),
        Configuration("q35-2560", "q35, 2.5 GiB: all below 2.75 GiB", "q35", 2560, guest="protected"),
        Configuration(
            "microvm-4g",
            "microvm, 4 GiB: split at 3 GiB",
            _MICROVM,
            4096,
            kernel_words=f"{_with_little(3072, 5120)} {_CLOCK}",
        ),
        Configuration(
            "q35-file",
            "q35, RAM in a shared file that the core leaves out: the file alone has it",
            "q35",
            128,
            words=(*_file(128), *_WHOLE),
            ram_file=True,
        ),
        Configuration(
            "pc-file",
            "i440fx, RAM in a shared file that the core has too",
            "pc",
            256,
            guest="protected",
            words=(*_file(256), *_WHOLE),
            coredump_filter=_EVERYTHING,
            ram_file=True,
        ),
        Configuration(
            "q35-memfd",
            "q35, RAM in one private memfd",
            "q35",
            256,
            smp="4",
            guest="protected",
            words=(*_backend("memfd", "ram", 256, ",share=off"), *_WHOLE),
        ),
        Configuration(
            "q35-dimm-excluded",
            "q35, a DIMM plugged in later whose memory is kept out of cores",
            "q35",
            128,
            guest="protected",
            memory_words=_SLOTS,
            plugged=_dimm(128, {"dump": False}),
            excluded_block="plugged",
        ),
        Configuration(
            "pc-numa-excluded",
            "i440fx, two NUMA nodes, one kept out of cores",
            "pc",
            256,
            vmcoreinfo=False,
            words=(*_backend("ram", "m0", 128), *_backend("ram", "m1", 128, ",dump=off"), *_nodes("m0", "m1")),
            excluded_block="m1",
        ),
        Configuration(
            "q35-noguest",
            "q35, no guest memory in cores at all",
            "q35,dump-guest-core=off",
            128,
            guest="protected",
            excluded_block="pc.ram",
        ),
        Configuration(
            "q35-vga",
            "q35, VGA and virtio-gpu with memory of their own",
            "q35",
            256,
            words=("-device", "VGA,vgamem_mb=16", "-device", "virtio-gpu-pci"),
        ),
        Configuration("pc-vga", "i440fx with VGA", "pc", 128, smp="1", guest="protected", words=("-vga", "std")),
        Configuration(
            "q35-flash",
            "q35, firmware in flash devices, one of them writable",
            "q35",
            128,
            guest="protected",
            words=(
                *("-drive", "if=pflash,unit=0,format=raw,readonly=on,file={place}/flash0"),
                *("-drive", "if=pflash,unit=1,format=raw,file={place}/flash1"),
            ),
        ),
        Configuration(
            "q35-nvdimm",
            "q35, an NVDIMM and shared memory between machines",
            "q35,nvdimm=on",
            128,
            memory_words=_SLOTS,
            words=(
                *_backend("ram", "persistent", 64),
                *("-device", "nvdimm,memdev=persistent,id=nvdimm0"),
                *_backend("memfd", "between", 4, ",share=on"),
                *("-device", "ivshmem-plain,memdev=between"),
            ),
            guest="protected",
        ),
        Configuration(
            "pc-max",
            "i440fx, the CPU with every feature of TCG: five levels of page tables, AVX state",
            "pc",
            256,
            words=("-cpu", "max"),
        ),
        Configuration(
            "pc-smp4",
            "i440fx, four vCPUs: one spins, two are halted by the kernel, one was never started",
            "pc",
            128,
            smp="4",
            spin=2,
            kernel_words=f"{_ZERO} maxcpus=3",
            translation_buffer=None,
        ),
        Configuration("pc-real", "i440fx, real mode with known registers", "pc", 128, smp="1", guest="real"),
        Configuration(
            "q35-protected", "q35, protected mode with known registers", "q35", 128, smp="2", guest="protected"
        ),
        Configuration(
            "pc-firmware", "i440fx, firmware that found nothing to boot", "pc", 128, smp="2", guest="firmware"
        ),
        Configuration("sparse-16g", "q35, 16 GiB that the guest has hardly touched", "q35", 16384, kernel_words=""),
    )
}
