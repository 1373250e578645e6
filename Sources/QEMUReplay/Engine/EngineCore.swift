internal import Bytes
internal import TimeTravel

/// What the engine knows of its QEMU.
struct EngineCore {
  let recording: Recording
  let architecture: EngineArchitecture
  /// The last moment that is replayed: one short of the recorded end, where QEMU shuts down.
  let end: Moment
  /// How long the instruction count may stay the same.
  let patience: Duration
  var instance: QEMUInstance
  private(set) var stops = StopSet.none
  private(set) var timeSpent = Duration.zero

  init(_ recording: Recording, patience: Duration) throws(ReplayError) {
    guard let ending = recording.description.ending, ending.instructions > 1 else {
      throw .notARecording(path: recording.directory, reason: "hasn't been closed")
    }
    let program = recording.description.engine.path
    guard let architecture = EngineArchitecture.of(program) else {
      throw .notARecording(
        path: recording.directory, reason: "\(program) emulates a processor that isn't known here")
    }
    self.recording = recording
    self.architecture = architecture
    self.patience = patience
    end = Moment(ending.instructions - 1)
    instance = try QEMUInstance(recording)
  }

  /// Does `body` and counts its time; what goes wrong becomes an engine's error.
  mutating func timed<Result>(
    _ body: (inout EngineCore) throws(ReplayError) -> Result
  ) -> Swift.Result<Result, EngineError> {
    let began = ContinuousClock.now
    defer { timeSpent += ContinuousClock.now - began }
    do throws(ReplayError) {
      return .success(try body(&self))
    } catch {
      return .failure(engineError(error))
    }
  }

  private func engineError(_ error: ReplayError) -> EngineError {
    if case .unsupported(let what) = error { return .unsupported(what) }
    // Whatever failed: if QEMU has ended, that is why.
    do throws(ReplayError) {
      if let obituary = try instance.obituary() { return .died(detail: "QEMU \(obituary)") }
    } catch {
      return .died(detail: error.description)
    }
    switch error {
    case .stalled(let instruction, _, _):
      return .stalled(at: Moment(instruction), detail: error.description)
    case .engineDied(let how): return .died(detail: "QEMU \(how)")
    case .monitor(.connectionClosed), .monitor(.host): return .died(detail: error.description)
    default: return .failed(error.description)
    }
  }

  // MARK: Where it stands

  func position() throws(ReplayError) -> Moment { Moment(try instance.instructionCount()) }

  /// Every snapshot tells the guest's time at its moment.
  func guestClock() throws(ReplayError) -> GuestClock {
    let marks = try instance.snapshots().map { snapshot in
      GuestClock.Mark(Moment(snapshot.instruction), nanoseconds: snapshot.clock)
    }
    return GuestClock(shift: recording.description.shift, marks: marks)
  }

  mutating func registers() throws(ReplayError) -> EngineRegisters {
    let bytes = try StubClient.bytes(try instance.stub.ask("g"))
    guard let counter = Self.word(bytes, architecture.programCounter),
      let pointer = Self.word(bytes, architecture.stackPointer)
    else { throw .stub("only \(bytes.count) bytes of registers") }
    return EngineRegisters(
      bytes: bytes, programCounter: VirtualAddress(counter), stackPointer: VirtualAddress(pointer))
  }

  private static func word(_ bytes: [UInt8], _ offset: Int) -> UInt64? {
    guard offset + 8 <= bytes.count else { return nil }
    return bytes[offset..<offset + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// Nil if some of it can't be read.
  mutating func memory(_ range: MemoryRange) throws(ReplayError) -> [UInt8]? {
    guard case .physical = range.start else { return try readMemory(range) }
    // Source: QEMU 7.2 docs/system/gdb.rst, "Changing the access to physical memory".
    guard try instance.stub.command("Qqemu.PhyMemMode:1") else {
      throw .stub("it can't read physical memory")
    }
    let bytes = try readMemory(range)
    guard try instance.stub.command("Qqemu.PhyMemMode:0") else {
      throw .stub("it can't go back to virtual memory")
    }
    return bytes
  }

  private mutating func readMemory(_ range: MemoryRange) throws(ReplayError) -> [UInt8]? {
    var bytes: [UInt8] = []
    var done: UInt64 = 0
    while done < range.count {
      let count = min(StubClient.memoryLimit, range.count - done)
      let (address, overflow) = range.rawStart.addingReportingOverflow(done)
      guard !overflow else { return nil }
      let request = "m\(String(address, radix: 16)),\(String(count, radix: 16))"
      let answer = try instance.stub.ask(request)
      guard !answer.hasPrefix("E") else { return nil }
      let piece = try StubClient.bytes(answer)
      guard UInt64(piece.count) == count else { return nil }
      bytes += piece
      done += count
    }
    return bytes
  }

  // MARK: Stops

  mutating func setStops(_ wanted: StopSet) throws(ReplayError) {
    for watchpoint in wanted.watchpoints {
      guard case .virtual = watchpoint.range.start else {
        try removeStops()
        throw .unsupported("watching physical addresses")
      }
    }
    for address in stops.breakpoints.subtracting(wanted.breakpoints) {
      try remove(breakpoint: address)
    }
    for watchpoint in stops.watchpoints.subtracting(wanted.watchpoints) {
      try remove(watchpoint)
    }
    do throws(ReplayError) {
      for address in wanted.breakpoints.subtracting(stops.breakpoints) {
        guard try instance.stub.command("Z0,\(String(address.rawValue, radix: 16)),1") else {
          throw .unsupported("a breakpoint at \(address)")
        }
        stops.breakpoints.insert(address)
      }
      for watchpoint in wanted.watchpoints.subtracting(stops.watchpoints) {
        guard try instance.stub.command("Z" + Self.packet(watchpoint)) else {
          throw .unsupported("watching \(watchpoint.range)")
        }
        stops.watchpoints.insert(watchpoint)
      }
    } catch {
      try removeStops()
      throw error
    }
  }

  private mutating func removeStops() throws(ReplayError) {
    for address in stops.breakpoints { try remove(breakpoint: address) }
    for watchpoint in stops.watchpoints { try remove(watchpoint) }
  }

  private mutating func remove(breakpoint address: VirtualAddress) throws(ReplayError) {
    stops.breakpoints.remove(address)
    _ = try instance.stub.command("z0,\(String(address.rawValue, radix: 16)),1")
  }

  private mutating func remove(_ watchpoint: Watchpoint) throws(ReplayError) {
    stops.watchpoints.remove(watchpoint)
    _ = try instance.stub.command("z" + Self.packet(watchpoint))
  }

  private static func packet(_ watchpoint: Watchpoint) -> String {
    let kind =
      switch watchpoint.access {
      case .write: 2
      case .read: 3
      case .readOrWrite: 4
      }
    let range = watchpoint.range
    return "\(kind),\(String(range.rawStart, radix: 16)),\(String(range.count, radix: 16))"
  }

  mutating func forgetStops() { stops = .none }
}
