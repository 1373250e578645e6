import Bytes
import Compression
import TestWorlds
import Testing

@Suite struct PageTests {
  /// Pages that pack well, badly and not at all, and a short one.
  static let samples: [[UInt8]] = {
    var generator = SplitMix(state: 7)
    let noise = (0..<4096).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
    let text = Array("The quick brown fox jumps over the lazy dog. ".utf8)
    let repeated = (0..<4096).map { text[$0 % text.count] }
    let mixed = Array(noise[..<2048]) + repeated[..<2048]
    return [
      [UInt8](repeating: 0, count: 4096), repeated, mixed, noise, Array(repeated[..<100]), [42],
    ]
  }()

  private func pack(
    _ compression: PageCompression, _ pages: [[UInt8]], capacity: Int = 0
  ) throws -> (packed: PackedPages, sizes: [Int]) {
    let packer = try PagePacker(compression)
    var packed = PackedPages(capacity: capacity)
    var sizes: [Int] = []
    for page in pages {
      sizes.append(try packer.append(ByteView(copying: page).bytes, to: &packed))
    }
    return (packed, sizes)
  }

  @Test(arguments: PageCompression.allCases)
  func whatWasPackedUnpacks(compression: PageCompression) throws {
    // With too little room as well as with plenty.
    for capacity in [0, 1 << 20] {
      let (packed, sizes) = try pack(compression, Self.samples, capacity: capacity)
      let all = copy(packed)
      #expect(all.count == sizes.reduce(0, +))
      let unpacker = try PageUnpacker(compression)
      var offset = 0
      for (page, size) in zip(Self.samples, sizes) {
        let part = ByteView(copying: all[offset..<offset + size])
        offset += size
        var unpacked = [UInt8](repeating: 0xee, count: page.count)
        if size == page.count {
          unpacked = part.copy()
        } else {
          try unpacker.unpack(part.bytes, into: &unpacked)
        }
        #expect(unpacked == page)
      }
      #expect(sizes[0] < 250)
      #expect(sizes[1] < 500)
      #expect(sizes[2] < 2700)
      #expect(sizes[3] == 4096, "noise is stored as it is")
      #expect(sizes[5] == 1)
    }
  }

  @Test(arguments: PageCompression.allCases)
  func contextsAreAsNewForEachPage(compression: PageCompression) throws {
    let once = try pack(compression, [Self.samples[1]])
    let again = try pack(compression, [Self.samples[2], Self.samples[1]])
    #expect(copy(again.packed).suffix(once.sizes[0]) == copy(once.packed)[...])
  }

  @Test func otherToolsUnpackZlibAndZstd() throws {
    let scratch = try ScratchDirectory()
    let page = Self.samples[2]
    try scratch.write(copy(try pack(.zlib, [page]).packed), to: "page.zlib")
    try scratch.write(copy(try pack(.zstd, [page]).packed), to: "page.zst")
    try Tool.run(
      "python3", "-c",
      "import zlib; open('a', 'wb').write(zlib.decompress(open('page.zlib', 'rb').read()))",
      in: scratch)
    try Tool.run("zstd", "-q", "-d", "page.zst", "-o", "b", in: scratch)
    #expect(try scratch.read("a") == page)
    #expect(try scratch.read("b") == page)
  }

  @Test(arguments: PageCompression.allCases)
  func anotherSizeIsAnError(compression: PageCompression) throws {
    let packed = copy(try pack(compression, [Self.samples[1]]).packed)
    let view = ByteView(copying: packed)
    let unpacker = try PageUnpacker(compression)
    var larger = [UInt8](repeating: 0, count: 5000)
    #expect(
      throws: PageCompressionError.wrongSize(compression, found: 4096, expected: 5000)
    ) {
      try unpacker.unpack(view.bytes, into: &larger)
    }
    for size in [0, 1, 4095] {
      var smaller = [UInt8](repeating: 0, count: size)
      let error = #expect(throws: PageCompressionError.self) {
        try unpacker.unpack(view.bytes, into: &smaller)
      }
      guard case .corrupt(compression, _) = error else {
        Issue.record("\(String(describing: error))")
        continue
      }
    }
    // The context is good for further pages.
    var right = [UInt8](repeating: 0, count: 4096)
    try unpacker.unpack(view.bytes, into: &right)
    #expect(right == Self.samples[1])
  }

  @Test(arguments: PageCompression.allCases)
  func cutPagesAreErrors(compression: PageCompression) throws {
    let packed = ByteView(copying: copy(try pack(compression, [Self.samples[2]]).packed))
    let unpacker = try PageUnpacker(compression)
    for cut in [0, 1, 10, packed.count / 2, packed.count - 1] {
      var page = [UInt8](repeating: 0, count: 4096)
      #expect(throws: PageCompressionError.self, "\(cut)") {
        try unpacker.unpack(packed.clampedSubview(at: 0, count: UInt64(cut)).bytes, into: &page)
      }
    }
  }

  @Test(arguments: PageCompression.allCases)
  func flippedBytesNeverTrap(compression: PageCompression) throws {
    let packed = copy(try pack(compression, [Self.samples[1]]).packed)
    let unpacker = try PageUnpacker(compression)
    var generator = SplitMix(state: 11)
    var failures = 0
    for _ in 0..<500 {
      var damaged = packed
      let place = Int(generator.next() % UInt64(packed.count))
      damaged[place] ^= UInt8(truncatingIfNeeded: generator.next() | 1)
      let view = ByteView(copying: damaged)
      var page = [UInt8](repeating: 0, count: 4096)
      do throws(PageCompressionError) {
        try unpacker.unpack(view.bytes, into: &page)
      } catch {
        failures += 1
      }
    }
    #expect(failures > 0)
  }

  @Test func nothingTakesNoRoom() throws {
    let (packed, sizes) = try pack(.zlib, [[], Self.samples[1], []])
    #expect(sizes[0] == 0 && sizes[2] == 0 && packed.count == sizes[1])
  }

  private func copy(_ pages: PackedPages) -> [UInt8] {
    let bytes = pages.bytes
    return bytes.byteOffsets.map { bytes[$0] }
  }
}
