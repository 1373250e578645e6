public import Bytes

/// What a DWARF expression describes: the pieces of an object in order, usually a single one.
public struct ExpressionResult: Hashable, Sendable {
  public var pieces: [Piece]

  public init(pieces: [Piece]) { self.pieces = pieces }

  /// One part of an object (DWARF 5, section 2.6.1.2).
  public struct Piece: Hashable, Sendable {
    /// How many bits of the object this is; nil for the whole.
    public let bitSize: UInt64?
    /// Where in the memory, register or value the piece's bits begin (`DW_OP_bit_piece`).
    public let bitOffset: UInt64
    public let kind: Kind

    public init(bitSize: UInt64? = nil, bitOffset: UInt64 = 0, kind: Kind) {
      self.bitSize = bitSize
      self.bitOffset = bitOffset
      self.kind = kind
    }
  }

  /// Where, or what, a piece is.
  public enum Kind: Hashable, Sendable {
    case memory(VirtualAddress)
    case register(RegisterNumber)
    /// The value itself, computed (`DW_OP_stack_value`).
    case value(ExpressionValue)
    /// The value itself, as the target would store it (`DW_OP_implicit_value`).
    case bytes([UInt8])
    /// A pointer that no longer exists, into the object of the DIE at that `.debug_info` offset,
    /// which may itself be a value (`DW_OP_implicit_pointer`).
    case implicitPointer(die: UInt64, offset: Int64)
    /// The program doesn't have it at this instruction.
    case optimizedOut
  }
}

/// A value on an expression's stack: an address-sized integer without a sign of its own (the
/// "generic type"), or a value of a base type.
public struct ExpressionValue: Hashable, Sendable {
  /// The value's bits, the lowest `type.size` bytes; the rest is 0.
  public let bits: UInt128
  /// Nil for the generic type.
  public let type: ExpressionType?

  @inlinable
  public init(_ value: UInt64) {
    bits = UInt128(value)
    type = nil
  }

  public init(bits: UInt128, type: ExpressionType?) {
    self.bits = type.map { bits & $0.mask } ?? bits
    self.type = type
  }

  /// The lowest 64 bits: the whole value unless its type is larger.
  @inlinable
  public var word: UInt64 { UInt64(truncatingIfNeeded: bits) }
}

/// A base type as expressions know it.
public struct ExpressionType: Hashable, Sendable {
  public enum Encoding: Hashable, Sendable {
    /// `DW_ATE_unsigned`, `_unsigned_char`, `_UTF`.
    case unsigned
    /// `DW_ATE_signed`, `_signed_char`.
    case signed
    /// `DW_ATE_boolean`.
    case boolean
    /// `DW_ATE_address`.
    case address
    /// `DW_ATE_float`.
    case float
    /// Any other: kept and passed on, but not computed with.
    case other
  }

  public let encoding: Encoding
  /// Bytes, 1 to 16.
  public let size: UInt8

  /// Nil for sizes other than 1 to 16 bytes.
  public init?(_ encoding: Encoding, size: UInt64) {
    guard (1...16).contains(size) else { return nil }
    self.encoding = encoding
    self.size = UInt8(size)
  }

  var mask: UInt128 { size == 16 ? .max : (1 << (8 * UInt128(size))) - 1 }
}
