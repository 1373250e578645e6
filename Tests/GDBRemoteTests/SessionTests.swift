import Bytes
import GDBRemote
import Testing

/// Packets and their answers.
@Suite struct SessionTests {
  @Test func saysWhatItCan() async {
    var client = await Conversation(ToyMachine())
    #expect(
      await client.ask("qSupported:multiprocess+;swbreak+;hwbreak+;xmlRegisters=i386")
        == "PacketSize=4000;QStartNoAckMode+;qXfer:features:read+;qXfer:threads:read+;"
        + "vContSupported+;swbreak+;hwbreak+;binary-upload+;ConditionalBreakpoints+;"
        + "ReverseStep+;ReverseContinue+;qXfer:auxv:read+")
    #expect(await client.ask("vCont?") == "vCont;c;C;s;S;r")
    #expect(await client.ask("qAttached") == "1")
    #expect(await client.ask("qSymbol::") == "OK")
  }

  @Test(
    arguments: [
      "vMustReplyEmpty", "", "!", "qTStatus", "qOffsets", "vFile:open:00", "QNonStop:1", "R00",
      "qXfer:libraries-svr4:read::0,100", "qXfer:siginfo:read::0,1", "qXfer:features:write:a:0:b",
      "jFoo", "be", "y", "qL1", "QPassSignals:", "vAttach;1",
    ])
  func whatItDoesNotKnowIsEmpty(_ packet: String) async {
    var client = await Conversation(ToyMachine())
    #expect(await client.ask(packet) == "")
  }

  @Test(
    arguments: [
      "m1000", "m,4", "m1000,", "m1000,4x", "m11111111111111111,1", "p", "p99", "p0x", "g;thread:",
      "g;thread:p", "Z0", "Z0,,1", "Z9,0,1", "Z2,2000,0", "Z0,1000,1;X3,1234", "Z0,1000,1;cmds:0",
      "Z0,1000,1;X7fffffffffffffff,00", "Z0,1000,1;Xffffffffffffffff,", "z0,1000", "vCont",
      "vCont;", "vCont;x", "vCont;s:", "vCont;r1000", "vCont;C", "S", "H", "Hg", "Hx1", "T", "T0",
      "qThreadExtraInfo,", "qRcmd,1", "qRcmd,xx", "qXfer:auxv:read:0,1", "qXfer:auxv:read::0",
      "qXfer:auxv:read::,1", "qMemoryRegionInfo:", "M1000,1", "M1000,2:00", "P0", "P0=00", "P99=00",
      "X1000,2:a", "qThreadStopInfo",
    ])
  func whatIsNotWellFormedIsAnError(_ packet: String) async {
    var client = await Conversation(ToyMachine())
    #expect(await client.ask(packet) == "E16")
  }

  @Test func readsRegisters() async {
    var client = await Conversation(ToyMachine(at: 6))
    let all = await client.ask("g")
    #expect(all.count == 2 * 608)
    #expect(all.hasPrefix("0200000000000000" + "0020000000000000" + "0100000000000000"))
    #expect(all.hasSuffix(String(repeating: "xx", count: 16) + "00000000"))
    #expect(await client.ask("p10") == "0610000000000000")
    #expect(await client.ask("p31") == String(repeating: "xx", count: 16))
    #expect(await client.ask("p10;thread:1;") == "0610000000000000")
    #expect(await client.ask("p10;thread:2;") == "E03")
  }

  @Test func readsMemoryUpToWhereItEnds() async {
    var client = await Conversation(ToyMachine())
    #expect(await client.ask("m1000,4") == "48ffc048")
    #expect(await client.ask("m3ffe,8") == "0000")
    #expect(await client.ask("m4000,8") == "E0e")
    #expect(await client.ask("m1000,0") == "")
    // No more than a packet holds.
    #expect(await client.ask("m1000,ffffffff").count == 2 * 8184)
    #expect(await client.ask("x1003,3") == "b\u{48}\u{fffd}\u{3}")
    #expect(await client.ask("x0,0") == "OK")
    #expect(await client.ask("x1000,1") == "H")
  }

  @Test func refusesToWriteWhatIsOnlyToBeRead() async {
    var client = await Conversation(ToyMachine())
    #expect(await client.ask("M2000,1:ff") == "E5f")
    #expect(await client.ask("X2000,1:a") == "E5f")
    #expect(await client.ask("P0=0000000000000000") == "E5f")
    #expect(await client.ask("G" + String(repeating: "00", count: 608)) == "E5f")
    _ = await client.ask("qSupported:error-message+")
    #expect(await client.ask("M2000,1:ff") == "E.memory can't be changed here")
    #expect(await client.ask("m9000,1") == "E.0x9000: nothing is mapped there")
  }

  @Test func listsThreads() async {
    var client = await Conversation(ToyMachine())
    #expect(await client.ask("qfThreadInfo") == "m1")
    #expect(await client.ask("qsThreadInfo") == "l")
    #expect(await client.ask("qC") == "QC1")
    #expect(await client.ask("T1") == "OK")
    #expect(await client.ask("Tp1.1") == "OK")
    #expect(await client.ask("T2") == "E03")
    for choice in ["Hg0", "Hg-1", "Hgp1.-1", "Hgp-1.-1", "Hgp1", "Hg1", "Hc1"] {
      #expect(await client.ask(choice) == "OK")
    }
    #expect(await client.ask("Hg2") == "E03")
    #expect(await client.ask("qThreadExtraInfo,1") == hex("CPU <0> (running)"))
    #expect(
      await client.ask("qXfer:threads:read::0,1000")
        == "l<?xml version=\"1.0\"?>\n<threads>\n<thread id=\"1\" core=\"0\" "
        + "name=\"CPU &lt;0&gt;\">running</thread>\n</threads>\n")
  }

  @Test func transfersInPieces() async {
    var client = await Conversation(ToyMachine())
    let whole = await client.ask("qXfer:features:read:target.xml:0,ffffff")
    #expect(whole.hasPrefix("m<?xml") || whole.hasPrefix("l<?xml"))
    var text = ""
    while true {
      let part = await client.ask(
        "qXfer:features:read:target.xml:\(String(text.utf8.count, radix: 16)),100")
      text += part.dropFirst()
      if part.hasPrefix("l") { break }
      #expect(part.utf8.count == 0x101)
    }
    #expect(text == TargetDescription.x86_64().xml)
    #expect(await client.ask("qXfer:features:read:other.xml:0,100") == "E5f")
    #expect(await client.ask("qXfer:features:read:target.xml:ffffffff,100") == "l")
    #expect(await client.ask("qXfer:auxv:read::8,100") == "l" + String(repeating: "\0", count: 8))
  }

  @Test func talksAsLLDBExpects() async {
    var client = await Conversation(ToyMachine())
    for setting in ["QThreadSuffixSupported", "QListThreadsInStopReply", "QEnableErrorStrings"] {
      #expect(await client.ask(setting) == "OK")
    }
    // Register 49 is unknown; the very first question is another one.
    #expect(await client.ask("p31") == "E5f;" + hex("the register is unknown"))
    let platform = "triple:\(hex("x86_64-unknown-unknown"));ptrsize:8;endian:little;"
    #expect(await client.ask("qHostInfo") == platform)
    #expect(await client.ask("qProcessInfo") == "pid:1;" + platform)
    let registers =
      "10:0010000000000000;7:0038000000000000;6:0039000000000000;11:02020000;"
    #expect(await client.ask("?") == "T05thread:1;threads:1;" + registers)
    #expect(await client.ask("qThreadStopInfo1") == "T05thread:1;threads:1;" + registers)
    #expect(await client.ask("qThreadStopInfo2") == "E03;" + hex("there is no thread 2"))
    #expect(
      await client.ask("jThreadsInfo")
        == #"[{"tid":1,"name":"CPU <0>","reason":"trace","signal":5,"registers":{"#
        + #""16":"0010000000000000","7":"0038000000000000","6":"0039000000000000","#
        + #""17":"02020000"}}]"#)
    #expect(
      await client.ask("qMemoryRegionInfo:1234")
        == "start:1000;size:1000;permissions:rx;name:\(hex("toy"));")
    #expect(await client.ask("qMemoryRegionInfo:0") == "start:0;size:1000;")
    // Not to the very end: where that is wraps around to 0.
    #expect(await client.ask("qMemoryRegionInfo:4000") == "start:4000;size:ffffffffffffbfff;")
  }

  /// Whether a client leaves its breakpoints in at stops or, as gdb does, removes them.
  @Test func monitorCommandsKnowTheBreakpoints() async {
    let machine = ToyMachine()
    var client = await Conversation(machine)
    func known(_ packets: String...) async -> [UInt64]? {
      for packet in packets + ["qRcmd," + hex("when")] { _ = await client.ask(packet) }
      return machine.state.withLock { $0.monitored.last?.breakpoints.map(\.address.rawValue) }
    }
    #expect(await known() == [])
    #expect(await known("Z1,1003,1") == [0x1003])
    #expect(await known("c", "z1,1003,1") == [0x1003])
    #expect(await known("Z1,1009,1") == [0x1009])
  }

  /// Two digits for each byte.
  private func hex(_ text: String) -> String {
    text.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
