import Bytes
import Foundation
import GDBRemote
import Testing

/// Packets that make the target run, and how it is stopped.
@Suite struct RunningTests {
  private let target = ToyMachine(at: 4)

  private func client(_ target: any DebuggableTarget) async -> Conversation {
    var client = await Conversation(target)
    await client.ask("qSupported:swbreak+;hwbreak+")
    return client
  }

  @Test(
    arguments: [
      ("s", .forward, .step), ("S05", .forward, .step), ("vCont;s:1", .forward, .step),
      ("vCont;s:1;c", .forward, .step), ("vCont;c:1;s:1", .forward, .step),
      ("vCont;S05:p1.1", .forward, .step), ("c", .forward, .unlimited),
      ("C05", .forward, .unlimited), ("vCont;c", .forward, .unlimited),
      ("vCont;c:-1", .forward, .unlimited), ("vCont;C02", .forward, .unlimited),
      ("bs", .backward, .step), ("bc", .backward, .unlimited),
      (
        "vCont;r1000,1006:1", .forward,
        .stepping(while: VirtualAddress(0x1000)..<VirtualAddress(0x1006))
      ),
      ("vCont;r1000,1000:1", .forward, .step), ("vCont;r1006,1000:1", .forward, .step),
    ] as [(String, Resumption.Direction, Resumption.Extent)])
  func resumes(
    _ packet: String, _ direction: Resumption.Direction, _ extent: Resumption.Extent
  ) async {
    var client = await client(target)
    #expect(await client.ask(packet).hasPrefix("T05thread:1;"))
    #expect(target.resumptions == [Resumption(direction, extent, thread: .first)])
  }

  @Test func goesOnOnlyWhereItStopped() async {
    var client = await client(target)
    for packet in ["c1000", "s1000", "C05;1000"] { #expect(await client.ask(packet) == "E5f") }
    #expect(await client.ask("vCont;s:7") == "E03")
    #expect(target.resumptions == [])
  }

  @Test(
    arguments: [
      ("Z0,1009,1", "c", "T05thread:1;swbreak:"), ("Z1,1009,1", "c", "T05thread:1;hwbreak:"),
      ("Z2,2000,8", "c", "T05thread:1;watch:2000"), ("Z2,1ff8,10", "c", "T05thread:1;watch:2000"),
      ("Z2,2004,1", "c", "T05thread:1;watch:2004"), ("Z3,2000,8", "c", "T05thread:1;rwatch:2000"),
      ("Z4,2000,8", "c", "T05thread:1;awatch:2000"), ("Z0,9,1", "c", "T05thread:1;replaylog:end"),
      ("Z0,9,1", "bc", "T05thread:1;replaylog:begin"), ("Z0,9,1", "bs", "T05thread:1"),
      ("Z2,2000,8", "bc", "T05thread:1;watch:2000"),
    ])
  func tellsWhyItStopped(_ breakpoint: String, _ packet: String, _ reply: String) async {
    var client = await client(target)
    #expect(await client.ask(breakpoint) == "OK")
    #expect(await client.ask(packet).components(upTo: ";10:") == reply)
  }

  /// `O` and digits (gdb manual, "Stop Reply Packets"), before the stop.
  @Test func printsWhileItRuns() async {
    let target = ToyMachine(at: 4, remark: "on")
    var other = await client(target)
    #expect(await other.ask("s").hasPrefix("T05thread:1;"))
    var gdb = await Conversation(target)
    await gdb.ask("qSupported:swbreak+;vContSupported+")
    #expect(await gdb.ask("s").hasPrefix("O6f6e T05thread:1;"))
  }

  @Test func keepsStopReasonsFromThoseWhoDoNotKnowThem() async {
    var client = await Conversation(target)
    await client.ask("Z0,1009,1")
    #expect(await client.ask("c").components(upTo: ";10:") == "T05thread:1")
  }

  @Test func insertsAndRemovesBreakpoints() async {
    var client = await client(target)
    for packet in ["Z0,1009,1", "Z0,1009,1", "Z2,3000,8", "z2,3000,4", "z1,1009,1"] {
      #expect(await client.ask(packet) == "OK")
    }
    #expect(await client.ask("Z2,3000,41") == "E5f")
    await client.ask("s")
    #expect(
      target.resumptions.last?.breakpoints == [
        Breakpoint(.software, at: VirtualAddress(0x1009)),
        Breakpoint(.writeWatch, at: VirtualAddress(0x3000), length: 8),
      ])
    await client.ask("z0,1009,1")
    await client.ask("D")
    await client.ask("s")
    #expect(target.resumptions.last?.breakpoints == [])
  }

  @Test func evaluatesConditionsWithoutAsking() async {
    var client = await client(target)
    // $rax == 57, and one that is never true.
    #expect(await client.ask("Z0,1003,1;X7,26000022391327;X3,220027") == "OK")
    #expect(await client.ask("vCont;c").hasPrefix("T05thread:1;swbreak:;"))
    #expect(await client.ask("p0") == "3900000000000000")
    #expect(target.resumptions.count == 1)
    #expect(
      target.resumptions[0].breakpoints[0].conditions == [
        AgentExpression([0x26, 0, 0, 0x22, 0x39, 0x13, 0x27]), AgentExpression([0x22, 0, 0x27]),
      ])
    // Inserted again without conditions, it has none.
    #expect(await client.ask("Z0,1003,1") == "OK")
    await client.ask("c")
    #expect(await client.ask("p0") == "3a00000000000000")
  }

  @Test func whatCanOnlyBeReadIsAtItsEnd() async {
    let plain = ReadOnlyMachine()
    var client = await client(plain)
    #expect(
      await client.ask("qSupported:swbreak+")
        == "PacketSize=4000;QStartNoAckMode+;qXfer:features:read+;qXfer:threads:read+;"
        + "vContSupported+;swbreak+;hwbreak+;binary-upload+")
    #expect(await client.ask("?").hasPrefix("T0bthread:2;"))
    for packet in ["c", "s", "vCont;c", "vCont;s:2"] {
      #expect(await client.ask(packet) == "T05thread:2;replaylog:end;")
    }
    for packet in ["bc", "bs", "Z0,1000,1", "z0,1000,1", "qRcmd,00", "qMemoryRegionInfo:0"] {
      #expect(await client.ask(packet) == "")
    }
    #expect(await client.ask("k") == "")
    #expect(client.isClosed)
  }

  @Test func kills() async {
    var client = await client(target)
    #expect(await client.ask("vKill;1") == "OK")
    #expect(target.state.withLock { $0.isKilled })
  }

  // MARK: While something runs

  @Test func interruptsWhatRunsOnce() async {
    var session = RemoteSession(target: target)
    #expect(await session.receive([3]) == [])
    _ = await session.receive(encodedPacket("QStartNoAckMode"))
    let run = Resumption(.forward, .unlimited, thread: .first)
    #expect(await session.receive(encodedPacket("c")) == [.start(.resume(run))])
    #expect(await session.receive([3]) == [.interrupt])
    // What comes meanwhile waits.
    #expect(await session.receive(encodedPacket("qC") + encodedPacket("qAttached")) == [])
    let actions = await session.commandEnded(.stopped(Stop(.interrupted, thread: .first)))
    guard case .send(let stop) = actions.first else {
      Issue.record("no stop")
      return
    }
    #expect(String(decoding: stop, as: UTF8.self).hasPrefix("$T02thread:1;"))
    #expect(actions.dropFirst() == [.send(encodedPacket("QC1")), .send(encodedPacket("1"))])
    #expect(await session.receive([3]) == [])
    #expect(await session.commandEnded(.printed("late")) == [])
    #expect(session.commandPrinted("late") == [])
  }

  @Test func aFloodOfPacketsEndsTheConversation() async {
    var session = RemoteSession(target: target)
    _ = await session.receive(encodedPacket("QStartNoAckMode") + encodedPacket("c"))
    for _ in 0..<64 { #expect(await session.receive(encodedPacket("qC")) == []) }
    #expect(await session.receive(encodedPacket("qC")) == [.close])
    #expect(await session.receive(encodedPacket("qC")) == [])
    #expect(await session.commandEnded(.stopped(Stop(.paused, thread: .first))) == [])
  }

  @Test func aTargetThatFailsSaysWhy() async {
    var session = RemoteSession(target: target)
    _ = await session.receive(encodedPacket("QStartNoAckMode") + encodedPacket("c"))
    let refused = await session.commandEnded(.failed(.refused("no")))
    let registers = "10:0010000000000000;7:0038000000000000;6:0039000000000000;11:02020000;"
    #expect(
      refused == [
        .send(encodedPacket("O6e6f0a")), .send(encodedPacket("T05thread:1;\(registers)")),
      ])
    _ = await session.receive(encodedPacket("c"))
    let lost = await session.commandEnded(.failed(.lost("no")))
    #expect(lost == [.send(encodedPacket("O6e6f0a")), .close])
  }

  @Test func aTargetThatIsGoneIsToldSo() async {
    var session = RemoteSession(target: target)
    _ = await session.receive(encodedPacket("QStartNoAckMode") + encodedPacket("c"))
    let ended = await session.commandEnded(.stopped(Stop(.exited(status: 3), thread: .first)))
    #expect(ended == [.send(encodedPacket("W03"))])
  }

  @Test func acknowledgesUntilToldNotTo() async {
    var client = await Conversation(target, acknowledging: true)
    await client.feed(encodedPacket("qAttached"))
    #expect(client.sent == Array("+$1#31".utf8))
    await client.feed(Array("-".utf8))
    #expect(client.sent == Array("+$1#31$1#31".utf8))
    await client.feed(Array("$qAttached#00".utf8))
    #expect(client.sent == Array("+$1#31$1#31-".utf8))
    client.sent = []
    await client.feed(
      encodedPacket("QStartNoAckMode") + Array("+".utf8) + encodedPacket("qAttached"))
    #expect(client.sent == Array("+$OK#9a$1#31".utf8))
    await client.feed(Array("-$qAttached#00".utf8))
    #expect(client.sent == Array("+$OK#9a$1#31".utf8))
  }
}

/// A crashed process as a debugger sees it: nothing but registers and memory, none of them known.
private struct ReadOnlyMachine: DebuggableTarget {
  let description = TargetDescription.aarch64()

  func threads() -> [RemoteThread] {
    [RemoteThread(id: .first, name: "a"), RemoteThread(id: ThreadID(index: 1), name: "b")]
  }

  func currentStop() -> Stop { Stop(.signal(11), thread: ThreadID(index: 1)) }

  func registers(of thread: ThreadID) -> RegisterValues { RegisterValues(description) }

  func readMemory(
    at address: VirtualAddress, count: Int, thread: ThreadID
  ) throws(RemoteError) -> [UInt8] { throw .memory(address, reason: "excluded") }
}

extension String {
  /// What comes before `text`, or all of it.
  fileprivate func components(upTo text: String) -> String {
    guard let range = range(of: text) else { return self }
    return String(self[..<range.lowerBound])
  }

  @Test func `Help about one command has examples`() async {
    var conversation = await Conversation(ToyMachine())
    func digits(_ text: String) -> String { hexText(text) }
    #expect(
      await conversation.ask("qRcmd," + digits("help sea"))
        == digits(
          """
          search  look for something for ever
          for example:
            monitor search key 17
            monitor search

          """))
    #expect(
      await conversation.ask("qRcmd," + digits("help when"))
        == digits("when  the instruction count\n"))
  }
}
