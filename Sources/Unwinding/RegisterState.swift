/// A register by its number in DWARF (psABI x86-64, table 3.36; AADWARF64, section 4.1).
public struct RegisterNumber: RawRepresentable, Hashable, Comparable, Sendable {
  public let rawValue: UInt16

  @inlinable
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  @inlinable
  public init(_ number: UInt16) { rawValue = number }

  @inlinable
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// The integer registers of one frame, each known or unknown.
///
/// A register that wasn't saved has no value here; nothing ever stands in for it.
public struct RegisterState: Hashable, Sendable {
  /// How many registers, by DWARF number, can be held: x86-64 uses 17, AArch64 33 (x0–x30, sp, pc).
  public static let capacity = 33

  @usableFromInline
  var values: InlineStorage
  @usableFromInline
  var known: UInt64 = 0

  @usableFromInline
  struct InlineStorage: Sendable {
    @usableFromInline var words: InlineArray<33, UInt64> = .init(repeating: 0)
    @usableFromInline init() {}
  }

  /// All registers unknown.
  @inlinable
  public init() { values = InlineStorage() }

  /// The register's value; nil if it is unknown. Setting nil makes it unknown.
  @inlinable
  public subscript(register: RegisterNumber) -> UInt64? {
    get {
      let index = Int(register.rawValue)
      guard index < Self.capacity, known & (1 << UInt64(index)) != 0 else { return nil }
      return values.words[index]
    }
    set {
      let index = Int(register.rawValue)
      guard index < Self.capacity else { return }
      if let newValue {
        values.words[index] = newValue
        known |= 1 << UInt64(index)
      } else {
        values.words[index] = 0
        known &= ~(1 << UInt64(index))
      }
    }
  }

  /// The state with every register unknown whose bit, counted by DWARF number, isn't set in `mask`.
  @inlinable
  public func keeping(only mask: UInt64) -> RegisterState {
    var kept = self
    kept.known &= mask
    return kept
  }

  public static func == (left: Self, right: Self) -> Bool {
    left.known == right.known
      && (0..<capacity).allSatisfy {
        left.known & (1 << UInt64($0)) == 0 || left.values.words[$0] == right.values.words[$0]
      }
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(known)
    for index in 0..<Self.capacity where known & (1 << UInt64(index)) != 0 {
      hasher.combine(values.words[index])
    }
  }
}
