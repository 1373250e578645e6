public import Bytes
internal import Glibc

/// Builds ELF vmcores of either class: notes, then PT_LOADs.
public struct VMCoreAssembler: Sendable {
  public struct Load: Sendable {
    public var physical: UInt64
    public var virtual: UInt64
    public var bytes: [UInt8]
    /// `p_memsz`; nil for as many as there are bytes.
    public var memorySize: UInt64?

    public init(
      physical: UInt64, virtual: UInt64 = 0, bytes: [UInt8], memorySize: UInt64? = nil
    ) {
      self.physical = physical
      self.virtual = virtual
      self.bytes = bytes
      self.memorySize = memorySize
    }
  }

  public var is64Bit = true
  public var machine: UInt16 = 62
  public var notes: [UInt8] = []
  public var loads: [Load] = []

  public init() {}

  /// Appends a note, padded to 4 bytes.
  public mutating func note(_ owner: String, type: UInt32, _ descriptor: [UInt8]) {
    notes += little(UInt32(owner.utf8.count + 1)) + little(UInt32(descriptor.count)) + little(type)
    for part in [Array(owner.utf8) + [0], descriptor] {
      notes += part + [UInt8](repeating: 0, count: (4 - part.count % 4) % 4)
    }
  }

  /// The file.
  public var bytes: [UInt8] {
    let headerSize = is64Bit ? 64 : 52
    let entrySize = is64Bit ? 56 : 32
    let count = loads.count + 1
    var out = ByteAssembler()
    out.append([0x7f, 0x45, 0x4c, 0x46, is64Bit ? 2 : 1, 1, 1] + [UInt8](repeating: 0, count: 9))
    out.append(little(UInt16(4)) + little(machine) + little(UInt32(1)))
    if is64Bit {
      out.append(little(UInt64(0)) + little(UInt64(headerSize)) + little(UInt64(0)))
    } else {
      out.append(little(UInt32(0)) + little(UInt32(headerSize)) + little(UInt32(0)))
    }
    out.append(little(UInt32(0)) + little(UInt16(headerSize)) + little(UInt16(entrySize)))
    out.append(little(UInt16(count)) + little(UInt16(0)) + little(UInt16(0)) + little(UInt16(0)))
    var offset = UInt64(headerSize + count * entrySize)
    func header(
      _ type: UInt32, _ virtual: UInt64, _ physical: UInt64, _ size: UInt64, _ memory: UInt64
    ) {
      if is64Bit {
        out.append(little(type) + little(UInt32(0)) + little(offset) + little(virtual))
        out.append(little(physical) + little(size) + little(memory) + little(UInt64(0)))
      } else {
        for field in [UInt64(type), offset, virtual, physical, size, memory, 0, 0] {
          out.number(UInt32(truncatingIfNeeded: field))
        }
      }
      offset += size
    }
    header(4, 0, 0, UInt64(notes.count), 0)
    for load in loads {
      let size = UInt64(load.bytes.count)
      header(1, load.virtual, load.physical, size, load.memorySize ?? size)
    }
    out.append(notes)
    for load in loads { out.append(load.bytes) }
    return out.bytes
  }

  /// `bytes` in the records of `makedumpfile -F`, each of at most `size` bytes, last ones first.
  public static func flattened(_ bytes: [UInt8], by size: Int) -> [UInt8] {
    var out = Array("makedumpfile".utf8) + [UInt8](repeating: 0, count: 4)
    out += big(1) + big(1)
    out += [UInt8](repeating: 0, count: 4096 - out.count)
    for start in stride(from: 0, to: bytes.count, by: size).reversed() {
      let part = bytes[start..<min(start + size, bytes.count)]
      out += big(Int64(start)) + big(Int64(part.count)) + part
    }
    return out + big(-1) + big(-1)
  }

  private static func big(_ value: Int64) -> [UInt8] { little(value).reversed() }
}

/// Whether two views hold the same bytes, compared by the C library: fast in debug builds too.
public func haveEqualBytes(_ left: ByteView, _ right: ByteView) -> Bool {
  guard left.count == right.count else { return false }
  // Safe: both are read within their counts.
  return unsafe left.withUnsafeBytes { first in
    unsafe right.withUnsafeBytes { second in
      unsafe first.isEmpty || memcmp(first.baseAddress!, second.baseAddress!, first.count) == 0
    }
  }
}
