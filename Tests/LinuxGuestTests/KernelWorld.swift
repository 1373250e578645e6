import Bytes
import LinuxGuest
import Targets
import TestWorlds

/// A kernel as far as a search for VMCOREINFO looks: page tables that map its image, a name, the
/// text in its two places.
struct KernelWorld {
  /// The physical memory that it is laid out in: 16 MiB from 0.
  static let size = 16 << 20
  private static let image: UInt64 = 0xffff_ffff_8000_0000

  let release: String
  /// Where its data begins.
  let start: UInt64
  private(set) var bytes: [(address: UInt64, bytes: [UInt8])] = []

  var text: String
  let directory: UInt64
  let noteAddress: UInt64
  let pageAddress: UInt64

  /// A kernel whose image is mapped at its physical address plus `offset`.
  init(release: String = "6.1.0-test", start: UInt64 = 0x20_0000, nameRelease: String? = nil) {
    self.release = release
    self.start = start
    var tables = PageTableWorld(.fourLevel, start: start, size: 16 << 12)
    directory = start
    // The image: 2 MiB pages that map the first 16 MiB.
    for index in 0..<UInt64(8) {
      tables.map(
        Self.image + index << 21, depth: 2,
        entry: index << 21 | PageTableWorld.large | 3)
    }
    bytes.append((start, tables.view.copy()))
    let name = start + 0x10000
    var uts: [UInt8] = []
    for field in ["Linux", "node", nameRelease ?? release, "#1 SMP", "x86_64", "(none)"] {
      uts += Array(field.utf8) + [UInt8](repeating: 0, count: 65 - field.utf8.count)
    }
    bytes.append((name, uts))
    bytes.append((start + 0x11000, Array("Linux version \(release) (a compiler) #1 SMP\n\0".utf8)))
    text = """
      OSRELEASE=\(release)
      PAGESIZE=4096
      SYMBOL(init_uts_ns)=\(String(Self.image + name, radix: 16))
      OFFSET(uts_namespace.name)=0
      SYMBOL(swapper_pg_dir)=\(String(Self.image + start, radix: 16))
      SYMBOL(_stext)=\(String(Self.image + start, radix: 16))
      NUMBER(phys_base)=0
      NUMBER(pgtable_l5_enabled)=0
      KERNELOFFSET=0

      """
    noteAddress = start + 0x20018
    pageAddress = start + 0x22000
  }

  /// Puts the text where the kernel has it.
  mutating func placeBoth() {
    bytes.append((noteAddress - 24, Self.note(text)))
    bytes.append((pageAddress, Array(text.utf8)))
  }

  mutating func place(_ more: [UInt8], at address: UInt64) { bytes.append((address, more)) }

  static func note(_ text: String, size: UInt32? = nil) -> [UInt8] {
    little(UInt32(11)) + little(size ?? UInt32(text.utf8.count)) + little(UInt32(0))
      + Array("VMCOREINFO\0\0".utf8) + Array(text.utf8)
  }

  /// A CPU in long mode on the tables at `directory`.
  static func cpu(_ index: Int, directory: UInt64) -> VCPU {
    var state = X86CPUState()
    state.cr0 = 0x8000_0011
    state.cr3 = directory
    state.cr4 = 0x20
    state[.efer] = 0xd01
    return VCPU(index: index, x86: state, freshness: .current)
  }

  static func machine(_ worlds: [KernelWorld], cpus: [UInt64] = []) -> Machine {
    var memory = [UInt8](repeating: 0, count: size)
    for world in worlds {
      for piece in world.bytes {
        let start = Int(piece.address)
        memory.replaceSubrange(start..<start + piece.bytes.count, with: piece.bytes)
      }
    }
    let physical = PhysicalMemory([
      PhysicalSegment(
        start: PhysicalAddress(0), count: UInt64(size), contents: .bytes(ByteView(copying: memory)))
    ])
    return Machine(
      memory: physical,
      map: [MemoryMapEntry(start: PhysicalAddress(0), count: UInt64(size), kind: .ram)],
      cpus: cpus.enumerated().map { cpu($0, directory: $1) })
  }
}
