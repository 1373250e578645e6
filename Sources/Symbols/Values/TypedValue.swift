public import Bytes

/// A value of a program under study: a type, and the bits that stand for it as far as they are
/// known.
public struct TypedValue: Sendable {
  /// The graph that `type` belongs to.
  public let graph: any TypeGraph
  /// Nil for `void`.
  public let type: TypeID?
  public let contents: ValueContents

  public init(graph: any TypeGraph, type: TypeID?, contents: ValueContents) {
    self.graph = graph
    self.type = type
    self.contents = contents
  }
}

/// Where the bits of a value are.
public enum ValueContents: Sendable {
  /// In memory at this address, read only when wanted: most of a large value never is.
  case memory(VirtualAddress)
  /// Put together from registers, constants and pieces of memory.
  case assembled(AssembledBits)
  /// Not known at all.
  case missing(MissingReason)
  /// A reference that itself doesn't exist, though what it refers to is known.
  indirect case syntheticReference(to: TypedValue)
}

/// Why bits of a value aren't known.
public enum MissingReason: Hashable, Sendable {
  /// The compiler kept no copy: `<optimized out>`.
  case optimizedOut
  /// The register that held them wasn't saved by the frames further in: `<not saved>`.
  case notSaved
  /// The pointer itself doesn't exist, though what it points to is known: `<synthetic pointer>`.
  case syntheticPointer
}

/// Bits put together from several places, some of them perhaps missing.
///
/// Bit 0 is the least significant one of the first byte (little-endian), as in `TypeGraph`.
public struct AssembledBits: Hashable, Sendable {
  /// The bytes as they would lie in memory; missing bits are zero here and mean nothing.
  public private(set) var bytes: [UInt8]
  /// Which bits are missing: ascending, apart from each other.
  public private(set) var gaps: [Gap]

  public struct Gap: Hashable, Sendable {
    public let bits: Range<UInt64>
    public let reason: MissingReason

    public init(bits: Range<UInt64>, reason: MissingReason) {
      self.bits = bits
      self.reason = reason
    }
  }

  /// Bytes that are all known.
  public init(_ bytes: [UInt8] = []) {
    self.bytes = bytes
    gaps = []
  }

  /// Puts another `count` bytes behind, missing for `reason`.
  public mutating func appendMissing(_ count: Int, _ reason: MissingReason) {
    let start = UInt64(bytes.count) * 8
    bytes += repeatElement(0, count: count)
    markMissing(start..<UInt64(bytes.count) * 8, reason)
  }

  /// Declares `bits`, which mustn't begin before the last gap, missing.
  mutating func markMissing(_ bits: Range<UInt64>, _ reason: MissingReason) {
    guard !bits.isEmpty else { return }
    if let last = gaps.last, last.bits.upperBound == bits.lowerBound, last.reason == reason {
      gaps[gaps.count - 1] = Gap(bits: last.bits.lowerBound..<bits.upperBound, reason: reason)
    } else {
      gaps.append(Gap(bits: bits, reason: reason))
    }
  }

  /// Puts `bytes` at `index`; they must lie within.
  mutating func replaceBytes(at index: Int, with bytes: ArraySlice<UInt8>) {
    self.bytes.replaceSubrange(index..<index + bytes.count, with: bytes)
  }

  /// Sets the bit at `index`, which must lie within `bytes`.
  mutating func setBit(_ index: Int) {
    bytes[index / 8] |= 1 << UInt8(index % 8)
  }

  /// The gaps within `bits`.
  func gaps(in bits: Range<UInt64>) -> ArraySlice<Gap> {
    guard !gaps.isEmpty else { return [] }
    let first = gaps.firstIndex { $0.bits.upperBound > bits.lowerBound } ?? gaps.endIndex
    let end = gaps[first...].firstIndex { $0.bits.lowerBound >= bits.upperBound } ?? gaps.endIndex
    return gaps[first..<end]
  }
}
