import Bytes

/// The compressed names of `kallsyms`, in the order of the symbols.
struct KallsymsNames: Sendable {
  private let view: ByteView
  private let tokens: KallsymsTokens
  /// Where each name begins, and where the last one ends.
  private let starts: ContiguousArray<UInt32>

  /// Names are cut at this many bytes: twice what kernels allow (`KSYM_NAME_LEN`).
  private static let lengthLimit = 1024

  /// Goes through all names once. Throws `.malformed` if they aren't all there.
  init(_ tables: KallsymsTables) throws(SymbolError) {
    let view = tables.names.clampedSubview(at: 0, count: UInt64(UInt32.max))
    self.view = view
    tokens = try KallsymsTokens(table: tables.tokenTable, index: tables.tokenIndex)
    var starts = ContiguousArray<UInt32>()
    // Each name takes a byte at least.
    starts.reserveCapacity(min(tables.count, view.count) + 1)
    var next = 0
    let bytes = view.bytes
    for index in 0..<tables.count {
      starts.append(UInt32(next))
      guard let end = Self.tokenRange(at: next, in: bytes)?.upperBound else {
        throw .malformed(
          what: "kallsyms_names", offset: UInt64(next),
          reason: "the name of symbol \(index) of \(tables.count) is cut off")
      }
      next = end
    }
    starts.append(UInt32(next))
    self.starts = starts
  }

  var count: Int { starts.count - 1 }

  /// Where the tokens are of the name that begins at `start`; nil if it is cut off.
  static func tokenRange(at start: Int, in bytes: RawSpan) -> Range<Int>? {
    guard start < bytes.byteCount else { return nil }
    var first = start + 1
    var length = Int(bytes[start])
    if length & 0x80 != 0 {
      guard first < bytes.byteCount else { return nil }
      length = length & 0x7f | Int(bytes[first]) << 7
      first += 1
    }
    guard length <= bytes.byteCount - first else { return nil }
    return first..<first + length
  }

  private func range(_ index: Int, in bytes: RawSpan) -> Range<Int> {
    Self.tokenRange(at: Int(starts[index]), in: bytes) ?? 0..<0
  }

  /// The name of the symbol with that index (less than `count`), and nm's letter for it.
  func name(_ index: Int) -> (letter: UInt8, name: String) {
    let bytes = view.bytes
    let text = tokens.name(range(index, in: bytes), of: bytes, limit: Self.lengthLimit)
    return (text.first ?? UInt8(ascii: "?"), String(decoding: text.dropFirst(), as: UTF8.self))
  }

  /// The hashes of all names, as `KallsymsTokens.hash` has them.
  func hashes() -> [UInt32] {
    let bytes = view.bytes
    var hashes: [UInt32] = []
    hashes.reserveCapacity(count)
    for index in 0..<count { hashes.append(tokens.hash(range(index, in: bytes), of: bytes)) }
    return hashes
  }
}
