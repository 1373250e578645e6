public import Bytes

/// What can be wrong with unwind information. Entries are named by their offset in the section.
public enum UnwindError: Error, Hashable, Sendable {
  /// The entry's bytes end too early or hold an impossible number.
  case bytes(ByteError, entry: UInt64)
  /// The entry's length reaches beyond the section.
  case lengthBeyondSection(length: UInt64, entry: UInt64)
  /// The FDE's CIE pointer leads to no CIE.
  case notACIE(offset: UInt64, entry: UInt64)
  /// A CIE of a version that isn't 1, 3 or 4.
  case unsupportedVersion(UInt8, entry: UInt64)
  /// The CIE's augmentation has a letter that can't be passed over.
  case unsupportedAugmentation(letter: UInt8, entry: UInt64)
  /// An address or segment selector of that many bytes.
  case unsupportedAddressSize(UInt8, entry: UInt64)
  /// A pointer encoding (DW_EH_PE_…) that is unknown, or whose base isn't.
  case unsupportedPointerEncoding(UInt8, entry: UInt64)
  /// A return address register, or one with a rule, beyond 2¹⁶.
  case registerNumber(UInt64, entry: UInt64)
  /// An opcode (DW_CFA_…) that is unknown.
  case unknownInstruction(UInt8, entry: UInt64)
  /// An instruction that makes no sense where it stands: a CFA offset without a CFA register, a
  /// restore in a CIE, or one state restored too often.
  case misplacedInstruction(UInt8, entry: UInt64)
  /// A number in an instruction that overflows 64 bits when scaled.
  case overflow(entry: UInt64)
  /// The instructions never say what the CFA is.
  case cfaUndefined(entry: UInt64)
  /// More than `limit` saved states or register rules.
  case tooMany(limit: Int, entry: UInt64)
  /// An expression of the row can't be decoded or evaluated.
  case expression(ExpressionError)
  /// The memory that holds the table can't be read.
  case memory(MemoryFault)
  /// An ORC entry, by its number, that names a register or a type which doesn't exist.
  case orcEntry(flags: UInt16, entry: UInt64)
  /// An ORC table that isn't sorted, and the number of an element that shows it.
  case orcOutOfOrder(entry: UInt64)
  /// The CFA needs a register that isn't known.
  case cfaRegisterUnknown(RegisterNumber)
}

extension UnwindError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .bytes(let error, let entry): "entry at \(hex(entry)): \(error)"
    case .lengthBeyondSection(let length, let entry):
      "entry at \(hex(entry)): its length \(hex(length)) reaches beyond the section"
    case .notACIE(let offset, let entry): "entry at \(hex(entry)): no CIE at \(hex(offset))"
    case .unsupportedVersion(let version, let entry): "CIE at \(hex(entry)): version \(version)"
    case .unsupportedAugmentation(let letter, let entry):
      "CIE at \(hex(entry)): augmentation '\(Unicode.Scalar(letter))' is unknown"
    case .unsupportedAddressSize(let size, let entry):
      "CIE at \(hex(entry)): address or segment size \(size)"
    case .unsupportedPointerEncoding(let encoding, let entry):
      "entry at \(hex(entry)): pointer encoding \(hex(encoding))"
    case .registerNumber(let number, let entry): "entry at \(hex(entry)): register \(number)"
    case .unknownInstruction(let opcode, let entry):
      "entry at \(hex(entry)): unknown instruction \(hex(opcode))"
    case .misplacedInstruction(let opcode, let entry):
      "entry at \(hex(entry)): instruction \(hex(opcode)) is misplaced"
    case .overflow(let entry): "entry at \(hex(entry)): a scaled operand overflows"
    case .cfaUndefined(let entry): "entry at \(hex(entry)): the CFA is never defined"
    case .tooMany(let limit, let entry):
      "entry at \(hex(entry)): more than \(limit) rules or states"
    case .expression(let error): "\(error)"
    case .memory(let fault): "\(fault)"
    case .orcEntry(let flags, let entry):
      "ORC entry \(entry): unknown register or type in \(hex(UInt64(flags)))"
    case .orcOutOfOrder(let entry): "the ORC table is out of order at entry \(entry)"
    case .cfaRegisterUnknown(let register): "the CFA needs register \(register.rawValue)"
    }
  }
}
