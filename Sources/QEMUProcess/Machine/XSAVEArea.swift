import Bytes

/// An x86 CPU's XSAVE area in standard format, made of its registers.
///
///        0  FCW u16  2 FSW u16  4 FTW u8   6 FOP u16   8 FIP u64  16 FDP u64
///       24  MXCSR u32            28 MXCSR_MASK u32
///       32  ST0–ST7   8 × 16, of which 10 are used
///      160  XMM0–XMM15   16 × 16
///      512  XSTATE_BV u64        520 XCOMP_BV u64 (0: standard format)
///      576  the upper halves of YMM0–YMM15   16 × 16     component 2
///     1088  k0–k7   8 × 8                                 component 5
///     1152  the upper halves of ZMM0–ZMM15   16 × 32     component 6
///     1664  ZMM16–ZMM31   16 × 64                         component 7
///     2688  PKRU u32, padded to 8                         component 9
///
/// Sources: Intel SDM volume 1, 10.5.1 and 13.4; the offsets of components 5 to 9 are those that
/// all CPUs have and that QEMU's X86XSaveArea has (target/i386/cpu.h).
struct XSAVEArea: Sendable {
  /// What QEMU knows of the x87 registers.
  struct X87: Sendable {
    var control: UInt16
    /// Without TOP, which QEMU keeps apart.
    var status: UInt16
    var top: UInt8
    /// Whether each physical register is empty.
    var isEmpty: [Bool]
    /// ST0 to ST7, 10 bytes each.
    var stack: [[UInt8]]
    var opcode: UInt16
    var instruction: UInt64
    var operand: UInt64
  }

  static let legacySize = 512
  static let headerSize = 64

  private(set) var bytes: [UInt8]
  private var components: UInt64 = 0b11

  /// - Parameters:
  ///   - vectors: registers 0 to 31 of 64 bytes each, or fewer.
  ///   - enabled: XCR0, whose bits say which components there are.
  init(
    x87: X87, mxcsr: UInt32, vectors: [[UInt8]], opmasks: [UInt64], protectionKeys: UInt32?,
    enabled: UInt64
  ) {
    bytes = [UInt8](repeating: 0, count: Self.legacySize + Self.headerSize)
    put(x87)
    put(mxcsr, at: 24)
    put(UInt32(0xffff), at: 28)
    for (index, vector) in vectors.prefix(16).enumerated() {
      put(vector.prefix(16), at: 160 + 16 * index)
    }
    if enabled & 1 << 2 != 0 {
      for (index, vector) in vectors.prefix(16).enumerated() {
        put(vector.dropFirst(16).prefix(16), at: 576 + 16 * index)
      }
      extend(to: 576 + 256, component: 2)
    }
    if enabled & 0b111 << 5 == 0b111 << 5 {
      for (index, mask) in opmasks.prefix(8).enumerated() { put(mask, at: 1088 + 8 * index) }
      extend(to: 1088 + 64, component: 5)
      for (index, vector) in vectors.prefix(16).enumerated() {
        put(vector.dropFirst(32), at: 1152 + 32 * index)
      }
      extend(to: 1152 + 512, component: 6)
      for (index, vector) in vectors.dropFirst(16).prefix(16).enumerated() {
        put(vector[...], at: 1664 + 64 * index)
      }
      extend(to: 1664 + 1024, component: 7)
    }
    if enabled & 1 << 9 != 0, let protectionKeys {
      put(protectionKeys, at: 2688)
      extend(to: 2688 + 8, component: 9)
    }
    put(components, at: 512)
  }

  private mutating func put(_ x87: X87) {
    put(x87.control, at: 0)
    put(x87.status & ~0x3800 | UInt16(x87.top & 7) << 11, at: 2)
    var tags: UInt8 = 0
    for (index, isEmpty) in x87.isEmpty.prefix(8).enumerated() where !isEmpty {
      tags |= 1 << index
    }
    put(tags, at: 4)
    put(x87.opcode, at: 6)
    put(x87.instruction, at: 8)
    put(x87.operand, at: 16)
    for (index, register) in x87.stack.prefix(8).enumerated() {
      put(register.prefix(10), at: 32 + 16 * index)
    }
  }

  private mutating func extend(to count: Int, component: UInt64) {
    reserve(count)
    components |= 1 << component
  }

  private mutating func reserve(_ count: Int) {
    if bytes.count < count {
      bytes.append(contentsOf: repeatElement(0, count: count - bytes.count))
    }
  }

  private mutating func put(_ value: some FixedWidthInteger, at offset: Int) {
    var rest = value
    var little: [UInt8] = []
    for _ in 0..<value.bitWidth / 8 {
      little.append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
    put(little[...], at: offset)
  }

  private mutating func put(_ value: ArraySlice<UInt8>, at offset: Int) {
    reserve(offset + value.count)
    bytes.replaceSubrange(offset..<offset + value.count, with: value)
  }
}
