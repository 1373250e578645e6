/// One decoded operation of a DWARF expression (DWARF 5, sections 2.5 and 7.7).
///
/// Expressions reach the evaluator decoded, so that it needn't know whether the bytes came from
/// `.eh_frame` (decoded by this room, as the bytes may be a guest's) or from a debug file's
/// location list.
public struct DWARFOperation: Hashable, Sendable {
  public let opcode: DWARFOpcode
  /// The first operand: an unsigned number, or a signed one's two's complement.
  public let operand1: UInt64
  public let operand2: UInt64
  /// Where the operation starts, in bytes from the expression's start: what branches count by.
  public let offset: UInt64
  public let payload: Payload

  /// An operand that is no number.
  public enum Payload: Hashable, Sendable {
    case none
    /// The block of `DW_OP_implicit_value`, `DW_OP_const_type`.
    case bytes([UInt8])
    /// The expression inside `DW_OP_entry_value`.
    case expression([DWARFOperation])
  }

  public init(
    _ opcode: DWARFOpcode, _ operand1: UInt64 = 0, _ operand2: UInt64 = 0, offset: UInt64 = 0,
    payload: Payload = .none
  ) {
    self.opcode = opcode
    self.operand1 = operand1
    self.operand2 = operand2
    self.offset = offset
    self.payload = payload
  }
}

/// A DWARF operation's code, `DW_OP_…` (DWARF 5, table 7.9, and the GNU extensions that preceded
/// it).
public struct DWARFOpcode: RawRepresentable, Hashable, Sendable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }
}
