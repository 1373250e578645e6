import GDBRemote
import Testing

@Suite struct PacketDecoderTests {
  private func items(
    _ text: String, from sender: PacketDecoder.Sender = .client, limit: Int = 100
  ) -> [PacketDecoder.Item] {
    var decoder = PacketDecoder(from: sender, limit: limit)
    return decoder.receive(Array(text.utf8))
  }

  private func contents(_ text: String) -> PacketDecoder.Item { .packet(Array(text.utf8)) }

  @Test func findsPacketsAcknowledgementsAndInterrupts() {
    #expect(
      items("+$qC#b4-\u{3}$#00+") == [
        .acknowledgement, contents("qC"), .retransmission, .interrupt, contents(""),
        .acknowledgement,
      ])
  }

  @Test func passesOverNoiseBetweenPackets() {
    #expect(items("GET / HTTP/1.1\r\n$?#3f#00 %Stop\n") == [contents("?")])
  }

  @Test func noticesDamage() {
    #expect(items("$qC#b5") == [.damaged])
    #expect(items("$qC#zz$qC#B4") == [.damaged, contents("qC")])
    #expect(items("$q}#ee") == [.damaged])
  }

  @Test func aPacketThatIsCutOffIsForgotten() {
    #expect(items("$m10$qC#b4") == [contents("qC")])
  }

  @Test func boundsPackets() {
    let long = String(repeating: "a", count: 101)
    #expect(items(String(decoding: encodedPacket(long), as: UTF8.self)) == [.damaged])
    #expect(
      items(String(decoding: encodedPacket(long), as: UTF8.self), limit: 101) == [contents(long)])
    // 94 more of the character before, again and again.
    let bomb = "$a*~*~*~#" + sum("a*~*~*~")
    #expect(items(bomb, from: .server) == [.damaged])
  }

  @Test func repeatsOnlyWhatServersSend() {
    let text = "$0* x#" + sum("0* x")
    #expect(items(text, from: .server) == [contents("0000x")])
    #expect(items(text) == [contents("0* x")])
    #expect(items("$*!#" + sum("*!"), from: .server) == [.damaged])
    #expect(items("$0*\u{1c}#" + sum("0*\u{1c}"), from: .server) == [.damaged])
    #expect(items("$0*#" + sum("0*"), from: .server) == [.damaged])
  }

  @Test func interruptsInPacketsAreContents() {
    #expect(items("$X\u{3}#" + sum("X\u{3}")) == [.packet([0x58, 3])])
  }

  private func sum(_ text: String) -> String {
    let value = text.utf8.reduce(UInt8(0)) { $0 &+ $1 }
    return (value < 16 ? "0" : "") + String(value, radix: 16)
  }

  @Test(arguments: [PacketDecoder.Sender.client, .server])
  func anyBytesSurviveTheWay(_ sender: PacketDecoder.Sender) {
    let all = Array(UInt8.min...UInt8.max)
    var decoder = PacketDecoder(from: sender, limit: 256)
    #expect(decoder.receive(encodedPacket(all)) == [.packet(all)])
    #expect(encodedPacket([0x23, 0x24, 0x2a, 0x7d]).count == 1 + 8 + 3)
  }

  @Test func everySplitGivesTheSame() {
    let stream =
      Array("+$qC#b4\u{3}$q}".utf8) + [3] + Array("#00".utf8) + encodedPacket([0x7d, 0x23])
    var whole = PacketDecoder(from: .client, limit: 10)
    let expected = whole.receive(stream)
    #expect(expected.count == 5)
    for split in 0...stream.count {
      var decoder = PacketDecoder(from: .client, limit: 10)
      let items = decoder.receive(stream[..<split]) + decoder.receive(stream[split...])
      #expect(items == expected)
    }
  }
}
