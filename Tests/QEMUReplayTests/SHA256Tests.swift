import Bytes
import TestWorlds
import Testing

@testable import QEMUReplay

@Suite struct SHA256Tests {
  private func digest(_ bytes: [UInt8], pieces: Int = .max) -> String {
    var digest = SHA256()
    var rest = bytes[...]
    while !rest.isEmpty {
      let piece = ByteView(copying: rest.prefix(pieces))
      digest.update(piece.bytes)
      rest = rest.dropFirst(pieces)
    }
    return digest.finish()
  }

  /// FIPS 180-4's examples.
  @Test func knownDigests() {
    #expect(
      digest([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(
      digest(Array("abc".utf8))
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  }

  @Test func agreesWithSha256sumAtEveryLengthAndSplit() throws {
    let directory = try ScratchDirectory()
    for length in [1, 55, 56, 63, 64, 65, 127, 128, 1000, 5000] {
      let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7) }
      try directory.write(bytes, to: "input")
      let expected = try Tool.run("sha256sum", "input", in: directory).prefix(64)
      #expect(digest(bytes) == expected)
      #expect(digest(bytes, pieces: 37) == expected)
    }
  }
}
