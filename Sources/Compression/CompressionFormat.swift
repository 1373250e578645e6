public import Bytes

/// How a stream of bytes is packed.
public enum CompressionFormat: String, CaseIterable, Hashable, Sendable {
  /// RFC 1952: one or more members.
  case gzip
  /// RFC 8878: frames, possibly several, possibly skippable ones among them.
  case zstd
  /// The .xz file format: streams, with or without padding between them.
  case xz
  /// The LZ4 frame format, as the lz4 tool writes it.
  case lz4
  /// RFC 1950: one stream, as in the sections of ELF files. It has no magic number of its own and
  /// so is never detected.
  case zlib

  /// The format that the first bytes of `bytes` announce; nil if they are none of a packed file.
  public static func detect(_ bytes: ByteView) -> CompressionFormat? {
    var offset: UInt64 = 0
    // zstd and LZ4 share the magic numbers of skippable frames, so the first other frame decides.
    // A few are to be expected (pzstd, seekable formats); thousands are not.
    for _ in 0..<16 {
      let start = bytes.clampedSubview(at: offset, count: 8).copy()
      if start.starts(with: [0x1f, 0x8b]) { return offset == 0 ? .gzip : nil }
      if start.starts(with: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]) {
        return offset == 0 ? .xz : nil
      }
      if start.starts(with: [0x28, 0xb5, 0x2f, 0xfd]) { return .zstd }
      if start.starts(with: [0x04, 0x22, 0x4d, 0x18]) { return .lz4 }
      guard start.count == 8, start[0] & 0xf0 == 0x50, start[1...3] == [0x2a, 0x4d, 0x18] else {
        return nil
      }
      let size = start[4...7].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      offset += 8 + size  // Below 16 × 4 GiB, so it can't overflow.
    }
    return nil
  }
}

/// What unpacking may use, so that a hostile file can't exhaust the machine.
public struct DecompressionLimits: Hashable, Sendable {
  /// How many bytes of working memory (window, dictionary) the decoder may use.
  public var memory: UInt64
  /// How many bytes may come out in all.
  public var output: UInt64

  public init(memory: UInt64, output: UInt64) {
    self.memory = memory
    self.output = output
  }

  /// For files an analyst supplies: 2 GiB of window (`zstd --long=31`) and any amount of output.
  public static let file = DecompressionLimits(memory: 1 << 31, output: .max)
  /// For sections of ELF files, given how much may come out.
  public static func section(output: UInt64) -> DecompressionLimits {
    DecompressionLimits(memory: 128 << 20, output: output)
  }
}
