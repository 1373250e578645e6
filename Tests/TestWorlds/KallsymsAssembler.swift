public import Bytes

/// Lays `kallsyms` out as the kernel's build does (scripts/kallsyms.c).
public struct KallsymsAssembler: Sendable {
  public struct Symbol: Hashable, Sendable {
    public let name: String
    public let letter: Character
    public let value: UInt64

    public init(_ name: String, _ letter: Character, _ value: UInt64) {
      self.name = name
      self.letter = letter
      self.value = value
    }
  }

  /// In which order the tables follow each other.
  public enum Order: CaseIterable, Sendable {
    case until6_1, until6_3, since6_4
  }

  /// How addresses are stored.
  public enum Encoding: CaseIterable, Sendable {
    case absolute, relative, absolutePerCPU, placeRelative
  }

  public var symbols: [Symbol]
  public var order = Order.since6_4
  public var encoding = Encoding.relative
  /// What `kallsyms_relative_base` holds.
  public var base: UInt64 = 0xffff_ffff_8100_0000
  /// Where the bytes lie in the kernel's memory.
  public var address: UInt64 = 0xffff_ffff_8200_0000
  /// How many bytes of something else come first.
  public var leading = 4096

  public init(_ symbols: [Symbol]) { self.symbols = symbols }

  /// Symbols as a small kernel has them: some names come twice, some addresses too.
  public static func sample(count: Int, start: UInt64 = 0xffff_ffff_8100_0000) -> [Symbol] {
    var symbols = [Symbol("_text", "T", start), Symbol("_stext", "T", start)]
    var next = start
    for index in 0..<count {
      let name = index % 100 == 99 ? "helper" : "do_sys_call_\(index)_init"
      symbols.append(Symbol(name, index % 3 == 0 ? "T" : "t", next))
      // Each seventh has the address of the one before it.
      if index % 7 != 6 { next += UInt64(16 + index % 64) }
    }
    symbols.append(Symbol("_end", "B", next + 64))
    return symbols
  }

  /// The tables, and where each begins in `bytes`.
  public struct Image: Sendable {
    public var bytes: [UInt8] = []
    public var places: [String: Int] = [:]

    public var view: ByteView { ByteView(copying: bytes) }

    mutating func begin(_ name: String) {
      while bytes.count % 8 != 0 { bytes.append(0) }
      places[name] = bytes.count
    }
  }

  public func image() -> Image {
    var image = Image()
    image.bytes = [UInt8](repeating: 0xcc, count: leading)
    if order != .since6_4 { appendAddresses(to: &image) }
    image.begin("num_syms")
    image.bytes += little(UInt32(symbols.count))
    appendNames(to: &image)
    if order == .until6_3 { appendSequence(to: &image) }
    appendTokens(to: &image)
    if order == .since6_4 {
      appendAddresses(to: &image)
      appendSequence(to: &image)
    }
    image.bytes += [UInt8](repeating: 0xcc, count: 4096)
    return image
  }

  // MARK: Names

  /// Parts of names that tokens from 128 on stand for, the longest first.
  private static let parts = ["tdo_sys_", "do_sys_", "helper", "_init", "call_", "Tdo"]
    .map { Array($0.utf8) }

  /// Single characters stand for themselves.
  private static let tokens: [[UInt8]] = (0..<256).map { token in
    if token >= 128, token - 128 < parts.count { return parts[token - 128] }
    return token > 0x20 && token < 0x7f ? [UInt8(token)] : []
  }

  private static func compressed(_ symbol: Symbol) -> [UInt8] {
    let text = Array("\(symbol.letter)\(symbol.name)".utf8)
    var result: [UInt8] = []
    var position = 0
    while position < text.count {
      let rest = text[position...]
      if let part = parts.firstIndex(where: { rest.first == $0.first && rest.starts(with: $0) }) {
        result.append(UInt8(128 + part))
        position += parts[part].count
      } else {
        result.append(text[position])
        position += 1
      }
    }
    return result
  }

  private func appendNames(to image: inout Image) {
    image.begin("names")
    var markers: [UInt32] = []
    for (index, symbol) in symbols.enumerated() {
      if index % 256 == 0 {
        markers.append(UInt32(image.bytes.count - (image.places["names"] ?? 0)))
      }
      let name = Self.compressed(symbol)
      if name.count > 127 {
        image.bytes += [UInt8(name.count & 0x7f | 0x80), UInt8(name.count >> 7)]
      } else {
        image.bytes.append(UInt8(name.count))
      }
      image.bytes += name
    }
    image.begin("markers")
    for marker in markers { image.bytes += little(marker) }
  }

  private func appendTokens(to image: inout Image) {
    image.begin("token_table")
    var offsets: [UInt16] = []
    for token in Self.tokens {
      offsets.append(UInt16(image.bytes.count - (image.places["token_table"] ?? 0)))
      image.bytes += token + [0]
    }
    image.begin("token_index")
    for offset in offsets { image.bytes += little(offset) }
  }

  /// `kallsyms_seqs_of_names`: three bytes for each symbol.
  private func appendSequence(to image: inout Image) {
    image.begin("seqs_of_names")
    for index in symbols.indices {
      image.bytes += [UInt8(index >> 16 & 255), UInt8(index >> 8 & 255), UInt8(index & 255)]
    }
  }

  // MARK: Addresses

  private func appendAddresses(to image: inout Image) {
    image.begin("offsets")
    for symbol in symbols {
      switch encoding {
      case .absolute: image.bytes += little(symbol.value)
      case .relative: image.bytes += little(UInt32(truncatingIfNeeded: symbol.value &- base))
      case .absolutePerCPU:
        let isConstant = symbol.value < 1 << 31
        image.bytes += little(
          UInt32(truncatingIfNeeded: isConstant ? symbol.value : base &- 1 &- symbol.value))
      case .placeRelative:
        image.bytes += little(
          UInt32(truncatingIfNeeded: symbol.value &- address &- UInt64(image.bytes.count)))
      }
    }
    guard encoding == .relative || encoding == .absolutePerCPU else { return }
    image.begin("relative_base")
    image.bytes += little(base)
  }
}
