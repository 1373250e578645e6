import Bytes
import HostSystem
import MachineDumps
import Targets
import TestWorlds

/// A machine of three blocks of memory, some of it zero and some absent:
///
///     0x0000_0000  640 KiB  pc.ram       data, but zeros from 0x1000 to 0x1fff
///     0x0010_0000  1 MiB    pc.ram       `.zeros` from 0x18_0000 on
///     0x1_0000_0000  256 KiB  pc.ram     absent from 0x1_0001_0000 to 0x1_0001_ffff
enum SyntheticMachine {
  static let low = pattern(0, 0xa0000, zeros: 0x1000..<0x2000)
  static let middle = pattern(0x10_0000, 0x8_0000)
  static let high = pattern(0x1_0000_0000, 0x1_0000)
  static let top = pattern(0x1_0002_0000, 0x2_0000)

  /// Bytes that tell where they belong, none of which is zero outside `zeros`.
  static func pattern(_ address: UInt64, _ count: Int, zeros: Range<Int> = 0..<0) -> [UInt8] {
    (0..<count).map { index in
      let place = address &+ UInt64(index)
      return zeros.contains(index)
        ? 0 : UInt8(truncatingIfNeeded: place ^ place >> 8 ^ place >> 16 ^ place >> 24) | 1
    }
  }

  static func bytes(_ start: UInt64, _ bytes: [UInt8]) -> PhysicalSegment {
    PhysicalSegment(
      start: PhysicalAddress(start), count: UInt64(bytes.count),
      contents: .bytes(ByteView(copying: bytes)))
  }

  static func segment(
    _ start: UInt64, _ count: UInt64, _ contents: PhysicalSegment.Contents
  ) -> PhysicalSegment {
    PhysicalSegment(start: PhysicalAddress(start), count: count, contents: contents)
  }

  static func entry(
    _ start: UInt64, _ count: UInt64, _ kind: MemoryMapEntry.Kind = .ram,
    block: String? = "pc.ram", at offset: UInt64
  ) -> MemoryMapEntry {
    MemoryMapEntry(
      start: PhysicalAddress(start), count: count, kind: kind, block: block, blockOffset: offset)
  }

  /// The last part of the third block.
  enum Gap {
    case absent, present
  }

  static func machine(gap: Gap = .absent, cpus: [VCPU] = [cpu]) -> Machine {
    let filler: PhysicalSegment.Contents =
      gap == .absent ? .absent(.excluded) : .bytes(ByteView(copying: pattern(0x77, 0x1_0000)))
    let memory = PhysicalMemory([
      bytes(0, low), bytes(0x10_0000, middle), segment(0x18_0000, 0x8_0000, .zeros),
      bytes(0x1_0000_0000, high), segment(0x1_0001_0000, 0x1_0000, filler),
      bytes(0x1_0002_0000, top),
    ])
    return Machine(
      memory: memory,
      map: [
        entry(0, 0xa0000, at: 0), entry(0x10_0000, 0x10_0000, at: 0x10_0000),
        entry(0x1_0000_0000, 0x4_0000, at: 0x20_0000),
      ], cpus: cpus)
  }

  /// A CPU in long mode each of whose registers has a value of its own.
  static var cpu: VCPU {
    var state = X86CPUState()
    for register in X86CPUState.General.allCases {
      state[register] = 0x1111_0000_0000_0000 + UInt64(register.rawValue)
    }
    state.rip = 0xffff_ffff_8100_0000
    state.rflags = 0x246
    for register in X86CPUState.SegmentRegister.allCases {
      let number = UInt32(register.rawValue)
      state.segments[register] = X86Segment(
        selector: 8 * number, base: 0x7000 + UInt64(number), limit: 0xffff + number,
        flags: register == .cs ? 0xa0_9b00 : 0xc0_9300 + number)
    }
    (state.cr0, state.cr2, state.cr3, state.cr4) = (0x8005_0033, 0x1234, 0x29b_6000, 0x6b0)
    state[.efer] = 0xd01
    state[.kernelGSBase] = 0xffff_8b18_cf70_0000
    return VCPU(index: 0, x86: state, freshness: .current)
  }

  /// The same registers, but of a CPU that isn't in long mode.
  static var protectedModeCPU: VCPU {
    var state = cpu.x86
    state[.efer] = 0
    return VCPU(index: 0, x86: state, freshness: .current)
  }

  /// The memory of `machine` as a dump without the absent part has it, by address.
  static let parts: [(start: UInt64, bytes: [UInt8])] = [
    (0, low), (0x10_0000, middle + [UInt8](repeating: 0, count: 0x8_0000)),
    (0x1_0000_0000, high), (0x1_0002_0000, top),
  ]
}

/// A dump in memory, which remembers what was written where.
final class MemoryOutput: DumpOutput {
  private(set) var writes: [(offset: UInt64, count: Int)] = []
  private var parts: [UInt64: [UInt8]] = [:]
  private(set) var size: UInt64?

  func write(_ bytes: RawSpan, at offset: UInt64) throws(HostError) {
    writes.append((offset, bytes.byteCount))
    var copy: [UInt8] = []
    copy.reserveCapacity(bytes.byteCount)
    for index in 0..<bytes.byteCount { copy.append(bytes[index]) }
    parts[offset] = copy
  }

  func finish(size: UInt64) throws(HostError) { self.size = size }

  /// All of it; what was never written is zeros.
  var bytes: [UInt8] {
    var all = [UInt8](repeating: 0, count: Int(size ?? 0))
    for (offset, part) in parts {
      all.replaceSubrange(Int(offset)..<Int(offset) + part.count, with: part)
    }
    return all
  }
}
