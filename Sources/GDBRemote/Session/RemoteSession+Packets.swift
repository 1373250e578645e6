extension RemoteSession {
  /// The answer to a packet; nil if it isn't well formed (gdb manual, "Packets").
  mutating func answer(_ contents: [UInt8]) async throws(RemoteError) -> Reply? {
    var reader = PacketReader(contents)
    guard let letter = reader.next() else { return .unknown }
    switch letter {
    case UInt8(ascii: "?"):
      lastStop = nil
      return .contents(try await stopReply())
    case UInt8(ascii: "g"): return try await readRegisters(&reader)
    case UInt8(ascii: "G"): return try await writeRegisters(&reader)
    case UInt8(ascii: "p"): return try await readRegister(&reader)
    case UInt8(ascii: "P"): return try await writeRegister(&reader)
    case UInt8(ascii: "m"): return try await readMemory(&reader, isBinary: false)
    case UInt8(ascii: "x"): return try await readMemory(&reader, isBinary: true)
    case UInt8(ascii: "M"): return try await writeMemory(&reader, isBinary: false)
    case UInt8(ascii: "X"): return try await writeMemory(&reader, isBinary: true)
    case UInt8(ascii: "Z"): return try await insertBreakpoint(&reader)
    case UInt8(ascii: "z"): return removeBreakpoint(&reader)
    case UInt8(ascii: "c"), UInt8(ascii: "C"), UInt8(ascii: "s"), UInt8(ascii: "S"):
      return try await resume(letter, &reader)
    case UInt8(ascii: "b"): return try await resumeBackwards(&reader)
    case UInt8(ascii: "H"): return try await chooseThread(&reader)
    case UInt8(ascii: "T"): return try await threadIsAlive(&reader)
    case UInt8(ascii: "D"):
      forgetEverythingInserted()
      return .ok
    case UInt8(ascii: "k"):
      await kill()
      return .close
    case UInt8(ascii: "v"): return try await answerVerbose(&reader)
    case UInt8(ascii: "q"): return try await answerQuery(contents)
    case UInt8(ascii: "Q"): return answerSetting(&reader)
    case UInt8(ascii: "j"):
      return reader.text == "ThreadsInfo" ? try await threadsAsJSON() : .unknown
    default: return .unknown
    }
  }

  private mutating func answerVerbose(_ reader: inout PacketReader) async throws(RemoteError)
    -> Reply?
  {
    if reader.skip("Cont") {
      if reader.skip("?") { return .text("vCont;c;C;s;S;r") }
      return try await resumeVerbosely(&reader)
    }
    if reader.skip("Kill;") {
      forgetEverythingInserted()
      await kill()
      return .ok
    }
    return .unknown
  }

  private mutating func answerSetting(_ reader: inout PacketReader) -> Reply {
    switch reader.text {
    case "StartNoAckMode": acknowledges = false
    case "ThreadSuffixSupported": client.threadSuffix = true
    case "ListThreadsInStopReply": client.threadsInStops = true
    case "EnableErrorStrings": client.errorStrings = true
    default: return .unknown
    }
    return .ok
  }

  private mutating func forgetEverythingInserted() {
    breakpoints = [:]
    breakpointsOfLastRun = []
  }

  private func kill() async {
    if let killable = target as? any KillableTarget { await killable.kill() }
  }
}
