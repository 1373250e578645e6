import Bytes
import Compression
import DebugFiles
import HostSystem
import ObjectFiles
import TestWorlds
import Testing

@Suite struct InputFileTests {
  let scratch: ScratchDirectory

  init() throws { scratch = try ScratchDirectory() }

  @Test func plainFilesAreMappedAsTheyAre() throws {
    let path = try scratch.write("plain", to: "f")
    let input = try InputFile.open(path)
    #expect(input.compression == nil)
    #expect(input.damage == nil)
    #expect(input.mapped.path == path)
    #expect(String(decoding: input.bytes) == "plain")
  }

  @Test(arguments: [
    ("gzip -c", CompressionFormat.gzip), ("zstd -q -c", .zstd), ("xz -c", .xz), ("lz4 -q -c", .lz4),
  ]) func packedFilesAreUnpackedSparsely(command: String, format: CompressionFormat) throws {
    // 64 MiB of which two pages aren't zero.
    try Tool.run(
      "sh", "-c",
      "truncate -s 64M f; for at in 1000 9000; do "
        + "printf pattern | dd of=f bs=4096 seek=$at conv=notrunc status=none; done; "
        + "\(command) f > packed", in: scratch)
    var last: InputFile.Progress?
    let input = try InputFile.open(scratch.file("packed")) { progress in
      last = progress
      return true
    }
    #expect(input.compression == format)
    #expect(input.damage == nil)
    #expect(input.bytes.count == 64 << 20)
    #expect(input.path == scratch.file("packed"))
    for page in [UInt64(1000), 9000] {
      #expect(String(decoding: try input.bytes.subview(at: page * 4096, count: 7)) == "pattern")
    }
    #expect(
      try input.mapped.dataRanges().map(\.lowerBound) == [1000 * 4096, 9000 * 4096])
    #expect(last?.unpackedBytes == 64 << 20)
    #expect(last?.packedSize == (try MappedFile.open(scratch.file("packed")).size))
    #expect(input.identity == (try MappedFile.open(scratch.file("packed")).identity))
  }

  @Test func truncatedFileKeepsItsBeginning() throws {
    try Tool.run(
      "sh", "-c", "head -c 8M /dev/urandom > f; gzip -c f > g; head -c 5000000 g > cut",
      in: scratch)
    let input = try InputFile.open(scratch.file("cut"))
    #expect(input.damage == .truncated(.gzip, offset: 5_000_000))
    let whole = try MappedFile.open(scratch.file("f"))
    #expect(input.bytes.count > 4_900_000)
    #expect(
      input.bytes.copy()
        == whole.bytes.clampedSubview(at: 0, count: UInt64(input.bytes.count)).copy())
  }

  @Test func nothingAtAllIsAnError() throws {
    let path = try scratch.write([0x1f, 0x8b, 8, 0], to: "stub")
    #expect(
      throws: InputFileError.compression(path: path, .truncated(.gzip, offset: 4))
    ) { try InputFile.open(path) }
    #expect(throws: InputFileError.self) { try InputFile.open(scratch.file("missing")) }
  }

  @Test func progressCanStop() throws {
    try Tool.run("sh", "-c", "head -c 4M /dev/zero | gzip -c > g", in: scratch)
    #expect(throws: InputFileError.cancelled(path: scratch.file("g"))) {
      try InputFile.open(scratch.file("g")) { _ in false }
    }
  }
}
