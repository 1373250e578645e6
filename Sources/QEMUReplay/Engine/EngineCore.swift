internal import Bytes
internal import TimeTravel

/// What the engine knows of its QEMU.
struct EngineCore {
  let recording: Recording
  let architecture: EngineArchitecture
  /// Whether QEMU takes some stores for ones to watched memory that were behind it.
  let mayReportOtherStores: Bool
  /// The last moment that is replayed: one short of the recorded end, where QEMU shuts down.
  let end: Moment
  /// How long the instruction count may stay the same.
  let patience: Duration
  let image: SnapshotImage
  var instance: QEMUInstance
  /// What it was told to stop at.
  var stops = StopSet.none
  let sighting = Sighting()
  /// The watchpoints that QEMU has for it.
  var layout = WatchLayout.none
  /// How it goes by interrupts and exceptions.
  var entries = EntryCare()
  private(set) var timeSpent = Duration.zero
  /// Where it stands, if that was asked since it moved.
  private(set) var standing: Standing?
  /// The same, if nothing but the count was asked.
  private var counted: Moment?
  /// Flash chips wait for the next run to read their images: QEMU has restored a state and not run yet.
  var flashWaits: Bool
  /// Nothing has run since QEMU started, saved or restored a state: no request of a disk is under way.
  var isQuiet = true
  /// Snapshots that are to be deleted when that can be done.
  var doomed: Set<String> = []
  /// The count at which QEMU is set to stop.
  private(set) var breakCount: UInt64?

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
    let release = QEMURelease(recording.description.engine.version)
    mayReportOtherStores = release.map { $0 < QEMURelease(8, 1) } ?? true
    self.patience = patience
    end = Moment(ending.instructions - 1)
    flashWaits = Self.hasFlash(recording, architecture)
    image = try SnapshotImage(recording)
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
      return .failure(noteFailure(engineError(error)))
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
    case .monitor(.noAnswer):
      // Nothing more is to be expected of it; a new one can be.
      instance.end()
      return .died(detail: error.description)
    case .monitor(.connectionClosed), .monitor(.host): return .died(detail: error.description)
    default: return .failed(error.description)
    }
  }

  // MARK: Where it stands

  /// A state of the machine, as far as one needs to know which.
  struct Standing: Equatable {
    let moment: Moment
    let registers: EngineRegisters
  }

  mutating func position() throws(ReplayError) -> Moment { try stand().moment }

  mutating func registers() throws(ReplayError) -> EngineRegisters { try stand().registers }

  /// Both are asked for at once: whoever wants the one mostly wants the other.
  @discardableResult
  mutating func stand() throws(ReplayError) -> Standing {
    if let standing { return standing }
    let answers = try instance.stub.ask(["g", StubClient.monitor("info replay")])
    let standing = Standing(
      moment: Moment(try instructionCount(answers[1])), registers: try registers(answers[0]))
    self.standing = standing
    return standing
  }

  /// The position alone, which is less to ask for.
  mutating func count() throws(ReplayError) -> Moment {
    if let known = standing?.moment ?? counted { return known }
    let answer = try instance.stub.ask(StubClient.monitor("info replay"))
    let moment = Moment(try instructionCount(answer))
    counted = moment
    return moment
  }

  /// From `Replaying execution 'FILE': instruction count = 1234` (QEMU 7.2 replay/replay-debugging.c,
  /// hmp_info_replay).
  private func instructionCount(_ text: String) throws(ReplayError) -> UInt64 {
    let digits = text.split(whereSeparator: \.isWhitespace).last ?? ""
    if let count = UInt64(digits) { return count }
    return try instance.instructionCount()
  }

  /// To be said before whatever moves the machine.
  mutating func leave() {
    standing = nil
    counted = nil
    isQuiet = false
    entries.leave()
    sighting.forget()
  }

  /// Has QEMU stop at `count` when it runs, and at no other count.
  mutating func setBreak(at count: UInt64) throws(ReplayError) {
    guard breakCount != count else { return }
    if breakCount != nil { try removeBreak() }
    try instance.setBreak(at: count)
    breakCount = count
  }

  mutating func removeBreak() throws(ReplayError) {
    try instance.removeBreak()
    breakCount = nil
  }

  /// QEMU forgets a count that it reaches.
  mutating func noteBreakReached() { breakCount = nil }

  /// Every snapshot tells the guest's time at its moment.
  func guestClock() throws(ReplayError) -> GuestClock {
    let marks = try instance.snapshots().map { snapshot in
      GuestClock.Mark(Moment(snapshot.instruction), nanoseconds: snapshot.clock)
    }
    return GuestClock(shift: recording.description.shift, marks: marks)
  }

  private func registers(_ digits: String) throws(ReplayError) -> EngineRegisters {
    let bytes = try StubClient.bytes(digits)
    guard let counter = Self.word(bytes, architecture.programCounter),
      let pointer = Self.word(bytes, architecture.stackPointer)
    else { throw .stub("only \(bytes.count) bytes of registers") }
    return EngineRegisters(
      bytes: bytes, programCounter: VirtualAddress(counter), stackPointer: VirtualAddress(pointer),
      undefined: architecture.undefined)
  }

  private static func word(_ bytes: [UInt8], _ offset: Int) -> UInt64? {
    guard offset + 8 <= bytes.count else { return nil }
    return bytes[offset..<offset + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// After QEMU was started anew.
  mutating func forget() {
    stops = .none
    layout = .none
    leave()
    breakCount = nil
  }
}
