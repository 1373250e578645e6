import GDBRemote
import Testing

/// Sessions of real clients, as they were written down, held against what is answered today. Made anew
/// by running GDBTests and LLDBTests with VARVE_RECORD_TRANSCRIPTS naming the directory.
@Suite struct TranscriptTests {
  static let names = ["gdb-reading", "gdb-steps", "gdb-stops", "gdb-monitor", "lldb"]

  private func target(_ name: String) -> ToyMachine {
    switch name {
    case "gdb-reading": ToyMachine(at: 42)
    case "gdb-steps": ToyMachine(at: 8)
    default: ToyMachine()
    }
  }

  private func bytes(_ name: String, fromClient: Bool) throws -> [UInt8] {
    try Transcript.stored(name).lines.filter { $0.isFromClient == fromClient }.flatMap(\.bytes)
  }

  @Test(arguments: names) func answersAreTheSame(_ name: String) async throws {
    let transcript = try Transcript.stored(name)
    #expect(transcript.packets(fromClient: true).count > 20)
    var client = await Conversation(target(name), acknowledging: true)
    for (index, line) in transcript.lines.enumerated() {
      if line.isFromClient {
        client.sent = []
        await client.feed(line.bytes)
        if index + 1 == transcript.lines.count { #expect(client.sent == []) }
      } else {
        let answer = String(decoding: client.sent, as: UTF8.self)
        #expect(answer == String(decoding: line.bytes, as: UTF8.self), "line \(index)")
      }
    }
  }

  @Test(arguments: names) func anySplitGivesTheSame(_ name: String) async throws {
    let sent = try bytes(name, fromClient: true)
    let expected = try bytes(name, fromClient: false)
    for size in [1, 3, 64, 512] {
      var client = await Conversation(target(name), acknowledging: true)
      var rest = sent[...]
      while !rest.isEmpty {
        await client.feed(Array(rest.prefix(size)))
        rest = rest.dropFirst(size)
      }
      let isSame = client.sent == expected
      #expect(isSame, "\(size) bytes at a time")
    }
  }

  @Test func everyCutInTwoGivesTheSame() async throws {
    // The greeting, in which acknowledgements end and features are agreed on.
    let sent = Array(try bytes("lldb", fromClient: true).prefix(400))
    var whole = await Conversation(target("lldb"), acknowledging: true)
    await whole.feed(sent)
    for cut in 1..<sent.count {
      var client = await Conversation(target("lldb"), acknowledging: true)
      await client.feed(Array(sent[..<cut]))
      await client.feed(Array(sent[cut...]))
      let isSame = client.sent == whole.sent
      #expect(isSame, "cut at \(cut)")
    }
  }

  /// Packets with bytes changed, left out, put in and put elsewhere, whose checksums are right.
  @Test(arguments: names) func survivesMutations(_ name: String) async throws {
    let packets = try Transcript.stored(name).packets(fromClient: true).map { Array($0.utf8) }
    var random = SplitMix(state: UInt64(name.utf8.count))
    for _ in 0..<5 {
      var client = await Conversation(target(name))
      for contents in packets {
        var mutated = contents
        for _ in 0..<Int.random(in: 0...2, using: &random) { mutate(&mutated, using: &random) }
        // A single `k` would end it every time.
        if mutated.first == UInt8(ascii: "k") { continue }
        await client.feed(encodedPacket(mutated))
      }
      #expect(!client.isClosed)
      #expect(await client.ask("qAttached").hasSuffix("1"))
    }
  }

  private func mutate(_ bytes: inout [UInt8], using random: inout SplitMix) {
    guard let index = bytes.indices.randomElement(using: &random) else { return }
    switch Int.random(in: 0..<5, using: &random) {
    case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
    case 1: bytes.remove(at: index)
    case 2:
      bytes.insert(Array("0123456789abcdef,;:-".utf8).randomElement(using: &random) ?? 0, at: index)
    case 3: bytes.removeSubrange(index...)
    default: bytes += bytes[index...]
    }
  }

  /// Random numbers that are the same each time.
  private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var value = state
      value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
      value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
      return value ^ value >> 31
    }
  }
}
