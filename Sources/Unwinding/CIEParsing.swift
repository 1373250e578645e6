import Bytes

/// A CIE: what several FDEs have in common.
struct CommonInformation: Sendable {
  let offset: UInt64
  /// What the operands of location advances are multiplied by.
  let codeAlignment: UInt64
  /// What the operands of factored offsets are multiplied by.
  let dataAlignment: Int64
  let returnAddress: RegisterNumber
  /// How the addresses of the FDEs are stored.
  let pointerEncoding: PointerEncoding
  /// The FDEs have a length-prefixed block before their instructions.
  let hasAugmentationData: Bool
  let isSignalFrame: Bool
  let addressSize: UInt8
  let segmentSize: UInt8
  /// Offsets in the section.
  let instructions: Range<UInt64>
}

extension CFIReader {
  /// The CIE at `offset`, which the entry at `fde` refers to. After its id:
  ///
  ///     version                    1, 3 or 4
  ///     augmentation               NUL-terminated
  ///     [EH data]                  an address, if the augmentation is "eh"
  ///     [address size, segment selector size]       version 4
  ///     code alignment             ULEB128
  ///     data alignment             SLEB128
  ///     return address register    1 byte in version 1, else ULEB128
  ///     [augmentation data: length, bytes]          if the augmentation begins with "z"
  ///     instructions
  func cie(at offset: UInt64, for fde: UInt64) throws(UnwindError) -> CommonInformation {
    guard offset < UInt64(section.bytes.count) else { throw .notACIE(offset: offset, entry: fde) }
    let header = try self.header(at: offset)
    guard case .cie = header.kind else { throw .notACIE(offset: offset, entry: fde) }
    var cursor = self.cursor(header.body..<header.end, entry: offset)
    let version = try cursor.read(UInt8.self)
    guard version == 1 || version == 3 || version == 4 else {
      throw .unsupportedVersion(version, entry: offset)
    }
    var letters = try augmentationLetters(&cursor)
    if letters.elementsEqual([0x65, 0x68]) {  // "eh": GCC 2's, which no longer matters here.
      try cursor.skip(UInt64(architecture.addressSize))
      letters = []
    }
    let sizes = version == 4 ? (try cursor.read(UInt8.self), try cursor.read(UInt8.self)) : nil
    let addressSize = sizes?.0 ?? architecture.addressSize
    let segmentSize = sizes?.1 ?? 0
    guard addressSize == 8 || addressSize == 4 else {
      throw .unsupportedAddressSize(addressSize, entry: offset)
    }
    let codeAlignment = try cursor.readULEB128()
    let dataAlignment = try cursor.readSLEB128()
    let returnAddress =
      version == 1
      ? RegisterNumber(UInt16(try cursor.read(UInt8.self))) : try cursor.readRegister()
    let augmentation = try Augmentation(
      letters, &cursor, in: space(addressSize: addressSize),
      section: section.bytes, order: section.order)
    return CommonInformation(
      offset: offset, codeAlignment: codeAlignment, dataAlignment: dataAlignment,
      returnAddress: returnAddress, pointerEncoding: augmentation.pointerEncoding,
      hasAugmentationData: augmentation.hasData, isSignalFrame: augmentation.isSignalFrame,
      addressSize: addressSize, segmentSize: segmentSize,
      instructions: cursor.offset..<header.end)
  }

  /// The augmentation's bytes without the NUL. Its length is bounded by the CIE's.
  private func augmentationLetters(_ cursor: inout EntryCursor) throws(UnwindError) -> [UInt8] {
    var letters: [UInt8] = []
    while true {
      let letter = try cursor.read(UInt8.self)
      if letter == 0 { return letters }
      letters.append(letter)
    }
  }
}

/// What a CIE's augmentation string and data say (LSB 5, Core, section 10.6.1.1.1; `B` and `G`:
/// AADWARF64, section 5.1).
private struct Augmentation {
  var hasData = false
  var pointerEncoding = PointerEncoding.absolute
  var isSignalFrame = false

  /// Reads the data and leaves `cursor` behind it. Letters, each with its share of the data:
  ///
  ///     z   all data is preceded by its length           R   how FDEs store addresses: 1 byte
  ///     L   how FDEs store LSDA pointers: 1 byte          S   signal frame
  ///     P   the personality routine: encoding, pointer    B, G   key, memory tags (AArch64)
  init(
    _ letters: [UInt8], _ cursor: inout EntryCursor, in space: PointerSpace, section: ByteView,
    order: ByteOrder
  ) throws(UnwindError) {
    guard letters.first == UInt8(ascii: "z") else {
      // Without the data's length, nothing that has data can be passed over.
      for letter in letters {
        guard letter == UInt8(ascii: "S") else {
          throw .unsupportedAugmentation(letter: letter, entry: cursor.entry)
        }
        isSignalFrame = true
      }
      return
    }
    hasData = true
    let size = try cursor.readULEB128()
    let start = cursor.offset
    try cursor.skip(size)
    var data = EntryCursor(section, start..<cursor.offset, order: order, entry: cursor.entry)
    for (index, letter) in letters.enumerated().dropFirst() {
      switch letter {
      case UInt8(ascii: "R"): pointerEncoding = PointerEncoding(rawValue: try data.read())
      case UInt8(ascii: "S"): isSignalFrame = true
      case UInt8(ascii: "L"): try data.skip(1)
      case UInt8(ascii: "P"):
        // Its value is of no use here; it must only be passed over, so not followed.
        let encoding = PointerEncoding(rawValue: try data.read(UInt8.self) & 0x7f)
        if encoding.rawValue != 0x7f { try data.passPointer(encoding, in: space) }
      case UInt8(ascii: "B"), UInt8(ascii: "G"): break
      default:
        // The data's length lets an unknown letter be passed over, unless R comes after it.
        if letters[index...].contains(UInt8(ascii: "R")) {
          throw .unsupportedAugmentation(letter: letter, entry: cursor.entry)
        }
        return
      }
    }
  }
}
