import Bytes

/// The texts that the names of `kallsyms` are put together from: 256 of them, most of a few bytes
/// and some a single one.
struct KallsymsTokens: Sendable {
  /// All texts, one after the other.
  private let bytes: [UInt8]
  /// Where in `bytes` each begins, and where the last ends.
  private let starts: [Int]
  /// What a token adds to the hash of a name, with its first byte and without.
  private let hashes: [TokenHash]
  private let tailHashes: [TokenHash]

  static let count = 256

  /// `sum` is the polynomial of the text's bytes at `multiplier`, `scale` the multiplier to the power
  /// of their number.
  private struct TokenHash {
    var sum: UInt64 = 0
    var scale: UInt64 = 1

    init(_ text: ArraySlice<UInt8>) {
      for byte in text {
        sum = sum &* KallsymsTokens.multiplier &+ UInt64(byte)
        scale = scale &* KallsymsTokens.multiplier
      }
    }
  }

  /// Odd, so that no power of it is zero.
  private static let multiplier: UInt64 = 0x9e37_79b9_7f4a_7c15

  /// Throws `.malformed` unless each of the 256 entries of `index` names a text in `table` that ends
  /// there.
  init(table: ByteView, index: ByteView) throws(SymbolError) {
    var bytes: [UInt8] = []
    var starts: [Int] = [0]
    let stored = table.clampedSubview(at: 0, count: 1 << 17).copy()
    for token in 0..<Self.count {
      let offset: UInt16
      do throws(ByteError) {
        offset = try index.load(UInt16.self, at: UInt64(token) * 2)
      } catch {
        throw .malformed(
          what: "kallsyms_token_index", offset: UInt64(token) * 2, reason: "\(error)")
      }
      guard Int(offset) < stored.count,
        let end = stored[Int(offset)...].prefix(Self.lengthLimit).firstIndex(of: 0)
      else {
        throw .malformed(
          what: "kallsyms_token_table", offset: UInt64(offset),
          reason: "token \(token) has no end")
      }
      bytes += stored[Int(offset)..<end]
      starts.append(bytes.count)
    }
    self.bytes = bytes
    self.starts = starts
    let texts = (0..<Self.count).map { bytes[starts[$0]..<starts[$0 + 1]] }
    hashes = texts.map(TokenHash.init)
    tailHashes = texts.map { TokenHash($0.dropFirst()) }
  }

  /// A token is part of a name, and names have at most 512 bytes (`KSYM_NAME_LEN` since 6.1).
  private static let lengthLimit = 1024

  /// The text of a token.
  func text(_ token: UInt8) -> ArraySlice<UInt8> {
    bytes[starts[Int(token)]..<starts[Int(token) + 1]]
  }

  /// The name, with nm's letter in front, that the tokens `range` of `names` make up; cut after
  /// `limit` bytes.
  func name(_ range: Range<Int>, of names: RawSpan, limit: Int) -> [UInt8] {
    var name: [UInt8] = []
    for position in range {
      name += text(names[position])
      if name.count > limit { return Array(name.prefix(limit)) }
    }
    return name
  }

  /// The hash of the name that those tokens make up, without nm's letter.
  func hash(_ range: Range<Int>, of names: RawSpan) -> UInt32 {
    var hash: UInt64 = 0
    var isFirst = true
    for position in range {
      let token = Int(names[position])
      let part = isFirst ? tailHashes[token] : hashes[token]
      // The first token that isn't empty begins with the letter.
      if isFirst, starts[token + 1] > starts[token] { isFirst = false }
      hash = hash &* part.scale &+ part.sum
    }
    return Self.folded(hash)
  }

  /// The same hash of a name as it stands.
  static func hash(_ name: String) -> UInt32 {
    var hash: UInt64 = 0
    for byte in name.utf8 { hash = hash &* multiplier &+ UInt64(byte) }
    return folded(hash)
  }

  private static func folded(_ hash: UInt64) -> UInt32 {
    UInt32(truncatingIfNeeded: hash ^ hash >> 32)
  }
}
