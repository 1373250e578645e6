import Bytes
import ObjectFiles
import Targets

/// What a kdump's headers repeat of the kernel, by the VMCOREINFO text (kernel/crash_core.c) and the
/// memory that it leads to; nil is unknown.
struct KernelFacts {
  /// `NUMBER(phys_base)`.
  private(set) var physicalBase: Int64?
  /// `CRASHTIME`, in seconds since 1970; only after a crash.
  private(set) var crashTime: UInt64?
  /// `OSRELEASE`.
  private var release: String?
  /// `SYMBOL(init_uts_ns)`, a virtual address in the kernel's image.
  private var nameSpace: UInt64?
  /// `OFFSET(uts_namespace.name)`; since 5.11.
  private var nameOffset: UInt64?

  /// Where the kernel's image is linked to begin: `__START_KERNEL_map`
  /// (arch/x86/include/asm/page_64_types.h).
  private static let imageStart: UInt64 = 0xffff_ffff_8000_0000

  /// The facts in `text`. Of a key that comes twice, the first counts.
  init(_ text: ByteView) {
    for line in String(decoding: text).split(whereSeparator: { $0 == "\n" || $0 == "\0" }) {
      guard let equals = line.firstIndex(of: "=") else { continue }
      let value = line[line.index(after: equals)...]
      switch line[..<equals] {
      case "OSRELEASE": release = release ?? String(value)
      case "NUMBER(phys_base)": physicalBase = physicalBase ?? Int64(value)
      case "CRASHTIME": crashTime = crashTime ?? UInt64(value)
      case "SYMBOL(init_uts_ns)": nameSpace = nameSpace ?? UInt64(value, radix: 16)
      case "OFFSET(uts_namespace.name)": nameOffset = nameOffset ?? UInt64(value)
      default: break
      }
    }
  }

  /// What the kernel calls itself: as it stands in `memory`, or what the text says of it.
  ///
  /// libkdumpfile, and so drgn, learns the architecture from these texts, and believes them only if
  /// release, version and machine are all there.
  func systemName(in memory: PhysicalMemory, machine: String) -> KdumpHeader.SystemName {
    if machine == "x86_64", let name = storedName(in: memory), name.machine == machine {
      return name
    }
    var name = KdumpHeader.SystemName()
    name.machine = machine
    if let release {
      // Only Linux leaves such a text.
      name.system = "Linux"
      name.release = release
    }
    return name
  }

  /// `init_uts_ns.name`, if it lies where the text says and agrees with it.
  private func storedName(in memory: PhysicalMemory) -> KdumpHeader.SystemName? {
    guard let nameSpace, let physicalBase, nameSpace >= Self.imageStart else { return nil }
    let start = PhysicalAddress(
      nameSpace - Self.imageStart &+ UInt64(bitPattern: physicalBase))
    // Before its offset was told, `name` followed a reference count.
    for offset in nameOffset.map({ [$0] }) ?? [4, 0] {
      do {
        let bytes = try memory.read(
          start &+ offset, count: UInt64(KdumpHeader.SystemName.size))
        let name = try KdumpHeader.SystemName(bytes)
        if name.system == "Linux", name.release == release { return name }
      } catch {
        // What isn't in the dump stays unknown.
        continue
      }
    }
    return nil
  }
}
