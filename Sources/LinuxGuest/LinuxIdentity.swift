public import Bytes
public import Targets

/// Which Linux kernel a machine runs and where it lies.
public struct LinuxIdentity: Hashable, Sendable {
  /// `6.1.0-53-cloud-amd64`, by the kernel's own `init_uts_ns`.
  public let release: String
  /// `#1 SMP PREEMPT_DYNAMIC Debian …`.
  public let version: String
  /// The guest's host name.
  public let nodeName: String
  /// `linux_banner`: the line `Linux version …` that the kernel logs first; nil if it wasn't found.
  public let banner: String?
  /// How far KASLR moved the kernel's addresses; nil if VMCOREINFO doesn't tell.
  public let kernelOffset: UInt64?
  /// How far the image's physical addresses are from where it was linked to be (`phys_base`).
  public let physicalBase: Int64
  /// Where the kernel's text begins, if VMCOREINFO tells.
  public let textStart: VirtualAddress?
  /// The kernel's own page tables, which map all of the kernel and nothing of a process.
  public let pageTables: X86PageTables

  /// The kernel that `info`, found in `memory`, describes.
  public init(_ info: VMCoreInfo, in memory: PhysicalMemory) throws(LinuxGuestError) {
    guard let image = KernelImageMap(info) else { throw .missing(key: "NUMBER(phys_base)") }
    guard let tables = image.pageTables else { throw .missing(key: "SYMBOL(swapper_pg_dir)") }
    guard let address = UTSName.address(info) else { throw .missing(key: "SYMBOL(init_uts_ns)") }
    let name: UTSName
    do throws(MemoryFault) {
      name = try UTSName(in: VirtualMemory(memory, tables), at: address)
    } catch {
      throw .unreadable(what: "init_uts_ns", error)
    }
    release = name.release
    version = name.version
    nodeName = name.node
    kernelOffset = info.kernelOffset
    physicalBase = Int64(bitPattern: image.physicalBase)
    textStart = info.symbol("_stext")
    pageTables = tables
    banner = textStart.flatMap(image.physical).flatMap { start in
      KernelBanner(release: name.release, version: name.version).find(in: memory, from: start)
    }
  }
}

/// Looks for `linux_banner` in a kernel's image.
struct KernelBanner {
  let release: String
  /// Newer images (6.2, 6.1's later stable releases) also hold a banner that was compiled before the
  /// build had its number, and so ends in another version (init/version.c).
  let version: String

  /// The banner is read-only data, which follows the text.
  private static let reach: UInt64 = 64 << 20
  private static let windowSize: UInt64 = 1 << 20
  /// Longer ones are no banner.
  private static let limit: UInt64 = 1024
  /// `Linux ve`.
  private static let firstWord: UInt64 = 0x6576_2078_756e_694c

  func find(in memory: PhysicalMemory, from start: PhysicalAddress) -> String? {
    var next = PhysicalAddress(start.rawValue & ~7)
    guard let end = next.advanced(by: Self.reach) else { return nil }
    while next < end {
      let run = memory.run(at: next, limit: min(Self.windowSize, end.rawValue - next.rawValue))
      if case .bytes(let view) = run {
        var banner: String?
        // Compilers align arrays of this size to 16 bytes at least.
        view.forEachOccurrence(of: Self.firstWord, from: (8 &- next.rawValue & 7) & 7) { offset in
          banner = text(in: memory, at: next &+ offset)
          return banner == nil
        }
        if let banner { return banner }
      }
      next = next &+ max(run.count, 1)
    }
    return nil
  }

  /// The banner at `address`; nil if it isn't this kernel's.
  private func text(in memory: PhysicalMemory, at address: PhysicalAddress) -> String? {
    // As much as there is before the end of its page or the next one.
    let length = min(Self.limit, 8192 - address.rawValue % 4096)
    do throws(PhysicalFault) {
      let bytes = try memory.read(address, count: length).copy()
      guard let end = bytes.firstIndex(of: 0) else { return nil }
      let text = String(decoding: bytes[..<end], as: UTF8.self)
      guard text.hasPrefix("Linux version \(release) "), text.hasSuffix(" \(version)\n") else {
        return nil
      }
      return String(text.dropLast())
    } catch {
      // Its end is missing: another copy may be whole.
      return nil
    }
  }
}
