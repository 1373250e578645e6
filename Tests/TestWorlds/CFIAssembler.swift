public import Bytes

/// Builds `.eh_frame` or `.debug_frame` sections, and the `.eh_frame_hdr` that belongs to one.
public struct CFIAssembler: Sendable {
  /// What a CIE says; by default what compilers write for x86-64.
  public struct CIE: Sendable {
    public var version: UInt8 = 1
    public var augmentation = "zR"
    /// The augmentation data; nil for one byte with `pointerEncoding`.
    public var augmentationData: [UInt8]?
    /// How FDEs store addresses (DW_EH_PE_…).
    public var pointerEncoding: UInt8 = 0x1b
    public var codeAlignment: UInt64 = 1
    public var dataAlignment: Int64 = -8
    public var returnAddress: UInt64 = 16
    public var addressSize: UInt8 = 8
    public var segmentSize: UInt8 = 0
    /// CFA = rsp + 8, return address at CFA − 8.
    public var instructions: [UInt8] = [0x0c, 7, 8, 0x90, 1]
    public init() {}
  }

  public let isEHFrame: Bool
  public let is64Bit: Bool
  /// Where the section is linked to be.
  public let address: UInt64
  public private(set) var section = ByteAssembler()
  private var cies: [Int: CIE] = [:]
  private var entries: [(start: UInt64, fde: UInt64)] = []

  public init(isEHFrame: Bool = true, is64Bit: Bool = false, address: UInt64 = 0x10_0000) {
    self.isEHFrame = isEHFrame
    self.is64Bit = is64Bit
    self.address = address
  }

  public var view: ByteView { section.view }

  /// Appends a CIE; gives its offset.
  @discardableResult
  public mutating func cie(_ cie: CIE = CIE()) -> Int {
    let offset = section.count
    entry { [isEHFrame, is64Bit] assembler in
      if isEHFrame {
        assembler.number(UInt32(0))
      } else if is64Bit {
        assembler.number(UInt64.max)
      } else {
        assembler.number(UInt32.max)
      }
      assembler.u8(cie.version)
      assembler.append(cie.augmentation.utf8)
      assembler.u8(0)
      if cie.augmentation == "eh" { assembler.number(UInt64(0x1234)) }
      if cie.version == 4 {
        assembler.u8(cie.addressSize)
        assembler.u8(cie.segmentSize)
      }
      assembler.uleb(cie.codeAlignment)
      assembler.sleb(cie.dataAlignment)
      if cie.version == 1 {
        assembler.u8(UInt8(truncatingIfNeeded: cie.returnAddress))
      } else {
        assembler.uleb(cie.returnAddress)
      }
      if cie.augmentation.hasPrefix("z") {
        let data = cie.augmentationData ?? [cie.pointerEncoding]
        assembler.uleb(UInt64(data.count))
        assembler.append(data)
      }
      assembler.append(cie.instructions)
    }
    cies[offset] = cie
    return offset
  }

  /// Appends an FDE of the CIE at `cie` for the code in `range`; gives its offset. `pointers`
  /// replaces the stored start and length.
  @discardableResult
  public mutating func fde(
    cie: Int, _ range: Range<UInt64>, _ instructions: [UInt8], pointers: [UInt8]? = nil
  ) -> Int {
    let offset = section.count
    let parent = cies[cie] ?? CIE()
    entries.append((range.lowerBound, address + UInt64(offset)))
    let base = address
    entry { [isEHFrame, is64Bit] assembler in
      if isEHFrame {
        assembler.number(UInt32(assembler.count - cie))
      } else if is64Bit {
        assembler.number(UInt64(cie))
      } else {
        assembler.number(UInt32(cie))
      }
      assembler.append([UInt8](repeating: 0, count: Int(parent.segmentSize)))
      if let pointers {
        assembler.append(pointers)
      } else if isEHFrame && parent.augmentation.contains("R") {
        let itself = base + UInt64(assembler.count)
        assembler.number(UInt32(truncatingIfNeeded: range.lowerBound &- itself))
        assembler.number(UInt32(range.count))
      } else if parent.addressSize == 4 {
        assembler.number(UInt32(range.lowerBound))
        assembler.number(UInt32(range.count))
      } else {
        assembler.number(range.lowerBound)
        assembler.number(UInt64(range.count))
      }
      if parent.augmentation.hasPrefix("z") { assembler.uleb(0) }
      assembler.append(instructions)
    }
    return offset
  }

  public mutating func terminator() { section.number(UInt32(0)) }

  /// `.eh_frame_hdr` at `headerAddress` with a table of `sdata4 | datarel` pairs, or whatever
  /// `entries` says instead.
  public func header(
    at headerAddress: UInt64, entries replacement: [(start: UInt64, fde: UInt64)]? = nil
  ) -> ByteView {
    var header = ByteAssembler()
    header.append([1, 0x1b, 0x03, 0x3b])
    header.number(UInt32(truncatingIfNeeded: address &- (headerAddress + 4)))
    let table = replacement ?? entries.sorted { $0.start < $1.start }
    header.number(UInt32(table.count))
    for entry in table {
      header.number(UInt32(truncatingIfNeeded: entry.start &- headerAddress))
      header.number(UInt32(truncatingIfNeeded: entry.fde &- headerAddress))
    }
    return header.view
  }

  /// An entry's length, then what `body` appends, padded with `DW_CFA_nop`.
  private mutating func entry(_ body: (inout ByteAssembler) -> Void) {
    if is64Bit { section.number(UInt32.max) }
    let lengthOffset = section.count
    if is64Bit { section.number(UInt64(0)) } else { section.number(UInt32(0)) }
    let start = section.count
    body(&section)
    section.pad(to: 8)
    if is64Bit {
      section.patch(UInt64(section.count - start), at: lengthOffset)
    } else {
      section.patch(UInt32(section.count - start), at: lengthOffset)
    }
  }
}
