import Bytes

/// The strings of BTF data: NUL-terminated, the first one empty. They are read where they lie.
struct BTFStrings {
  /// The kernel's strings, if these are a module's, which continue them; else nothing.
  let base: ByteView
  let own: ByteView

  init(_ own: ByteView, base: ByteView = .empty) {
    self.own = own
    self.base = base
  }

  /// Names are as long as the kernel's symbols at most (`KSYM_NAME_LEN`, 512 since 6.1), and its own
  /// verifier allows no more.
  static let nameLimit: UInt64 = 512

  /// The part that `offset` is in, and where in it. Strings don't run from one part to the next.
  private func part(_ offset: UInt32) -> (bytes: ByteView, position: UInt64) {
    offset < base.count
      ? (base, UInt64(offset)) : (own, UInt64(offset) - UInt64(base.count))
  }

  func string(at offset: UInt32) throws(SymbolError) -> String {
    let (bytes, position) = part(offset)
    do throws(ByteError) {
      return try bytes.cString(at: position, limit: Self.nameLimit + 1)
    } catch {
      throw .malformed(what: "BTF string", offset: UInt64(offset), reason: "\(error)")
    }
  }

  /// A hash of the string at `offset`; nil if it has no end within the limit.
  func hash(at offset: UInt32) -> UInt32? {
    var hash = BTFNameHash()
    var (bytes, position) = part(offset)
    let end = min(UInt64(bytes.count), position + Self.nameLimit + 1)
    while position < end {
      let word = Self.word(bytes, at: position)
      // The lowest NUL's top bit is set, and none below it (Mycroft's test).
      let nulls = (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
      guard nulls == 0 else {
        let length = UInt64(nulls.trailingZeroBitCount / 8)
        guard position + length < end else { return nil }
        hash.add(length == 0 ? 0 : word & (UInt64.max >> (64 - 8 * length)))
        return hash.value
      }
      hash.add(word)
      position += 8
    }
    return nil
  }

  /// The eight bytes at `position`; what lies behind the last string is 1s, which end none.
  private static func word(_ bytes: ByteView, at position: UInt64) -> UInt64 {
    do throws(ByteError) {
      return try bytes.load(UInt64.self, at: position)
    } catch {
      var word: UInt64 = .max
      let rest = bytes.clampedSubview(at: position, count: 8).copy()
      for byte in rest.reversed() { word = word << 8 | UInt64(byte) }
      return word
    }
  }

  /// Whether the string at `offset` is `name`, which holds no NUL.
  func isEqual(_ name: [UInt8], at offset: UInt32) -> Bool {
    let (bytes, position) = part(offset)
    let found = bytes.clampedSubview(at: position, count: UInt64(name.count) + 1)
    guard found.count == name.count + 1 else { return false }
    let span = found.bytes
    for index in name.indices where span[index] != name[index] { return false }
    return span[name.count] == 0
  }
}

/// A hash of a name's bytes, eight at a time; the last, shorter word counts even if it is empty.
struct BTFNameHash {
  private var state: UInt64 = 0

  /// Multiplying by an odd constant and folding the halves spreads each word over all bits.
  mutating func add(_ word: UInt64) {
    let product = (state ^ word).multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15)
    state = product.high ^ product.low
  }

  var value: UInt32 { UInt32(truncatingIfNeeded: state ^ state >> 32) }

  static func hash(_ name: [UInt8]) -> UInt32 {
    var hash = Self()
    var rest = name[...]
    while rest.count >= 8 {
      hash.add(word(rest.prefix(8)))
      rest = rest.dropFirst(8)
    }
    hash.add(word(rest))
    return hash.value
  }

  private static func word(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}
