/// The order in which gdb lists the variables of one lexical block.
///
/// A function's outermost block is listed in the order of declaration, but a block within is kept
/// in a hash table, and listed bucket by bucket. To print what gdb prints, its hash is needed: over
/// the lower-cased characters, each step `h · 67 + c − 113`; `n / 5 + 1` buckets for n variables
/// (gdb 13). Types that are declared within the block count too, but aren't known here: with them,
/// the order may differ.
enum LocalsOrder {
  /// `variables`, those of inner blocks before those of outer ones, as gdb orders them.
  static func sorted(_ variables: [Variable], language: SourceLanguage) -> [Variable] {
    var result: [Variable] = []
    var rest = variables.filter { $0.name != nil }[...]
    while let depth = rest.first?.blockDepth {
      let block = rest.prefix { $0.blockDepth == depth }
      rest = rest.dropFirst(block.count)
      result += depth == 0 ? Array(block) : hashed(Array(block), language: language)
    }
    return result
  }

  private static func hashed(_ block: [Variable], language: SourceLanguage) -> [Variable] {
    let bucketCount = UInt32(clamping: block.count / 5 + 1)
    let buckets = block.map { hash($0.name ?? "", language: language) % bucketCount }
    // A sort that keeps equal elements in order: within a bucket the order is that of declaration.
    return block.indices.sorted { (buckets[$0], $0) < (buckets[$1], $1) }.map { block[$0] }
  }

  static func hash(_ name: String, language: SourceLanguage) -> UInt32 {
    let bytes = Array(name.utf8)
    switch language {
    case .cPlusPlus: return plainHash(bytes)
    default: return encodedHash(bytes)
    }
  }

  private static func next(_ hash: UInt32, _ byte: UInt8) -> UInt32 {
    let isUpper = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
    return hash &* 67 &+ UInt32(isUpper ? byte + 32 : byte) &- 113
  }

  private static func plainHash(_ bytes: [UInt8]) -> UInt32 {
    bytes.reduce(0) { next($0, $1) }
  }

  /// The hash for C: one that is prepared for Ada's encoded names, in which `__` separates parts
  /// and `X`, `$` and `.` begin suffixes.
  private static func encodedHash(_ bytes: [UInt8]) -> UInt32 {
    var hash: UInt32 = 0
    if bytes.first == UInt8(ascii: "_") { return plainHash(bytes) }
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      switch byte {
      case UInt8(ascii: "$"), UInt8(ascii: "."), UInt8(ascii: "X"):
        return index == 0 ? plainHash(bytes) : hash
      case UInt8(ascii: "_") where index + 1 < bytes.count && bytes[index + 1] == byte:
        let following = index + 2 < bytes.count ? bytes[index + 2] : 0
        let isLower = following >= UInt8(ascii: "a") && following <= UInt8(ascii: "z")
        guard isLower || following == UInt8(ascii: "O") else { return hash }
        hash = 0
        index += 2
        continue
      case UInt8(ascii: "T") where bytes[index...].elementsEqual("TKB".utf8):
        return hash
      default: break
      }
      hash = next(hash, byte)
      index += 1
    }
    return hash
  }
}
