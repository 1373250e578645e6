import Bytes
import Compression
import TestWorlds
import Testing

/// A format with the tool that makes it.
struct Packer: Sendable, CustomTestStringConvertible {
  let format: CompressionFormat
  let command: String
  var testDescription: String { command }

  static let all = [
    Packer(format: .gzip, command: "gzip -c"), Packer(format: .zstd, command: "zstd -q -c"),
    Packer(format: .zstd, command: "zstd -q -19 --long=27 -c"),
    Packer(format: .xz, command: "xz -c"), Packer(format: .xz, command: "xz -T2 -c"),
    Packer(format: .lz4, command: "lz4 -q -c"), Packer(format: .lz4, command: "lz4 -q -9 -BX -c"),
  ]
}

@Suite struct DecompressionTests {
  let scratch: ScratchDirectory
  var plain: [UInt8] { Self.plain }

  /// 576 KiB: some that packs well, some that doesn't.
  static let plain: [UInt8] = {
    var generator = SplitMix(state: 42)
    var bytes: [UInt8] = []
    for block in UInt8(0)..<24 {
      if block % 3 == 0 {
        for _ in 0..<24576 { bytes.append(UInt8(truncatingIfNeeded: generator.next())) }
      } else {
        bytes.append(contentsOf: repeatElement(block, count: 24576))
      }
    }
    return bytes
  }()

  init() throws { scratch = try ScratchDirectory() }

  private func packed(_ packer: Packer, _ bytes: [UInt8]) throws -> ByteView {
    try scratch.write(bytes, to: "plain")
    try Tool.run("sh", "-c", "\(packer.command) plain > packed", in: scratch)
    return ByteView(copying: try scratch.read("packed"))
  }

  @Test(arguments: Packer.all) func unpacksWhatTheToolPacked(packer: Packer) throws {
    let packed = try packed(packer, plain)
    #expect(CompressionFormat.detect(packed) == packer.format)
    #expect(try decompress(packed, packer.format, limit: 1 << 22).copy() == plain)
  }

  @Test(arguments: Packer.all) func emptyContents(packer: Packer) throws {
    let packed = try packed(packer, [])
    #expect(try decompress(packed, packer.format, limit: 10).isEmpty)
  }

  @Test(arguments: Packer.all) func concatenatedFilesAreOne(packer: Packer) throws {
    let first = try packed(packer, plain).copy()
    let second = try packed(packer, Array("the end".utf8)).copy()
    let both = ByteView(copying: first + second)
    #expect(
      try decompress(both, packer.format, limit: 1 << 22).copy() == plain + "the end".utf8)
  }

  @Test(arguments: Packer.all) func truncationKeepsWhatPrecedes(packer: Packer) throws {
    let packed = try packed(packer, plain)
    for cut in [1, 4, 7, packed.count / 3, packed.count / 2, packed.count - 1] {
      let part = packed.clampedSubview(at: 0, count: UInt64(cut))
      var out: [UInt8] = []
      let error = #expect(throws: CompressionError.self) {
        try decompress(part, packer.format) { chunk in
          // Safe: the bytes are copied before the call returns.
          unsafe chunk.withUnsafeBytes { unsafe out.append(contentsOf: $0) }
          return true
        }
      }
      #expect(error == .truncated(packer.format, offset: UInt64(cut)))
      #expect(plain.starts(with: out))
      // The xz tool's threads make one block of all, LZ4 and the others flush as they go.
      if cut > packed.count / 2 { #expect(out.count > plain.count / 4) }
    }
  }

  @Test(arguments: Packer.all) func outputLimitHolds(packer: Packer) throws {
    let packed = try packed(packer, plain)
    let limit = UInt64(plain.count) - 1
    #expect(throws: CompressionError.outputLimit(packer.format, limit: limit)) {
      try decompress(packed, packer.format, limit: limit)
    }
    #expect(
      try decompress(packed, packer.format, limit: UInt64(plain.count)).count == plain.count)
  }

  @Test(arguments: Packer.all) func trailingDataIsReported(packer: Packer) throws {
    let packed = try packed(packer, plain).copy()
    let zeros = ByteView(copying: packed + [UInt8](repeating: 0, count: 1024))
    #expect(try decompress(zeros, packer.format, limit: 1 << 22).count == plain.count)
    // liblzma itself judges what follows a stream.
    guard packer.format != .xz else { return }
    let text = ByteView(copying: packed + Array("trailing text".utf8))
    #expect(
      throws: CompressionError.trailingData(packer.format, offset: UInt64(packed.count))
    ) {
      try decompress(text, packer.format, limit: 1 << 22)
    }
  }

  @Test(arguments: Packer.all) func flippedBytesNeverTrap(packer: Packer) throws {
    let packed = try packed(packer, Array(plain[..<150_000])).copy()
    var generator = SplitMix(state: 7)
    var failures = 0
    for _ in 0..<200 {
      var damaged = packed
      let place = Int(generator.next() % UInt64(min(packed.count, 4096)))
      damaged[place] ^= UInt8(truncatingIfNeeded: generator.next() | 1)
      do throws(CompressionError) {
        _ = try decompress(ByteView(copying: damaged), packer.format, limit: 1 << 22)
      } catch {
        failures += 1
      }
    }
    #expect(failures > 0)
  }

  @Test func stopsWhenTheSinkSays() throws {
    let packed = try packed(Packer.all[0], plain)
    var chunks = 0
    try decompress(packed, .gzip) { _ in
      chunks += 1
      return false
    }
    #expect(chunks == 1)
  }

  @Test func memoryLimitHolds() throws {
    try scratch.write(plain, to: "plain")
    try Tool.run("sh", "-c", "cat plain | zstd -q --long=30 -c > z", in: scratch)
    try Tool.run("sh", "-c", "xz -9 -c plain > x", in: scratch)
    let limits = DecompressionLimits(memory: 1 << 20, output: .max)
    for (name, format) in [("z", CompressionFormat.zstd), ("x", .xz)] {
      let packed = ByteView(copying: try scratch.read(name))
      let error = #expect(throws: CompressionError.self) {
        try decompress(packed, format, limits: limits) { _ in true }
      }
      guard case .memoryLimit(format, _, 1 << 20) = error else {
        Issue.record("\(format): \(String(describing: error))")
        continue
      }
      var count = 0
      try decompress(packed, format) { chunk in
        count += chunk.byteCount
        return true
      }
      #expect(count == plain.count)
    }
  }

  @Test func skippableFramesAreSkipped() throws {
    let skipped: [UInt8] = [0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]
    for packer in Packer.all where packer.format == .zstd || packer.format == .lz4 {
      let bytes = ByteView(copying: skipped + (try packed(packer, plain).copy()))
      #expect(CompressionFormat.detect(bytes) == packer.format)
      #expect(try decompress(bytes, packer.format, limit: 1 << 22).copy() == plain)
    }
    #expect(CompressionFormat.detect(ByteView(copying: skipped)) == nil)
  }

  @Test func otherFilesAreNotDetected() throws {
    #expect(CompressionFormat.detect(.empty) == nil)
    #expect(CompressionFormat.detect(ByteView(copying: [0x7f, 0x45, 0x4c, 0x46])) == nil)
    #expect(CompressionFormat.detect(ByteView(copying: [0x1f])) == nil)
  }

  @Test func zlibStreamOfASection() throws {
    try scratch.write(plain, to: "plain")
    try Tool.run(
      "python3", "-c",
      "import zlib; open('z', 'wb').write(zlib.compress(open('plain', 'rb').read()))",
      in: scratch)
    let packed = ByteView(copying: try scratch.read("z"))
    #expect(try decompress(packed, .zlib, limit: 1 << 22).copy() == plain)
  }

  @Test func checksumOfTheStandardExample() {
    // The check value of CRC-32/ISO-HDLC.
    #expect(crc32Checksum(ByteView(copying: "123456789".utf8)) == 0xcbf4_3926)
    #expect(crc32Checksum(.empty) == 0)
  }
}

/// Sebastiano Vigna's SplitMix64: the same numbers in every run.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
