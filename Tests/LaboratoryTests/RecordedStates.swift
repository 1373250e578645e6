import Foundation
import TestWorlds
import Testing
import Varve

/// What can be compared of a machine at a moment.
private struct RecordedState: Equatable {
  let moment: Moment
  let registers: EngineRegisters
  /// Some of what the kernel lies in.
  let memory: [UInt8]

  init(_ engine: QEMUEngine, _ kernel: PhysicalAddress) async throws {
    moment = try await engine.position()
    registers = try await engine.registers()
    memory = try await engine.memory(MemoryRange(.physical(kernel), count: 16384))
  }
}

extension RecordedGuest {
  /// Records; then the state at ten moments is the same straight forwards, from its own checkpoint, and
  /// from the checkpoint before; and after QEMU was killed.
  func expectSameStateByEveryWay() async throws {
    let recording = try record()
    let ending = try #require(recording.description.ending)
    #expect(!ending.isSalvaged)
    #expect(try recording.readLog().isComplete)

    let engine = try QEMUEngine(recording)
    let range = try await engine.recordedRange()
    #expect(range == Moment(0)...Moment(ending.instructions - 1))
    var states: [RecordedState] = []
    for index in 1...10 {
      let moment = Moment(range.upperBound.rawValue / 11 * UInt64(index))
      #expect(try await engine.run(to: moment) == .reached)
      #expect(try await engine.position() == moment)
      try await save(engine, try #require(CheckpointName("test-\(index)")))
      states.append(try await RecordedState(engine, memory))
    }
    for index in [10, 3, 7, 1] {
      try await engine.restoreCheckpoint(try #require(CheckpointName("test-\(index)")))
      #expect(try await RecordedState(engine, memory) == states[index - 1])
      guard index < 10 else { continue }
      #expect(try await engine.run(to: states[index].moment) == .reached)
      #expect(try await RecordedState(engine, memory) == states[index])
    }
    kill(engine.processID, SIGKILL)
    await #expect(throws: EngineError.self) { try await engine.step() }
    try await engine.restart()
    #expect(try await engine.position() == Moment(0))
    #expect(try await engine.checkpoints().count == 10)
    #expect(try await engine.run(to: states[4].moment) == .reached)
    #expect(try await RecordedState(engine, memory) == states[4])
    // The end is reached and doesn't end QEMU.
    #expect(try await engine.run(to: Moment(.max)) == .reached)
    #expect(try await engine.position() == range.upperBound)
    #expect(try await engine.step() == .reached)
    try await engine.end()
  }

  /// Saves a checkpoint, a little later where QEMU refuses.
  private func save(_ engine: QEMUEngine, _ name: CheckpointName) async throws {
    let end = try await engine.recordedRange().upperBound
    while true {
      do {
        #expect(try await engine.saveCheckpoint(name) > 0)
        return
      } catch EngineError.saveRefused(let moment, _) {
        try #require(moment < end, "there is no moment to save \(name)")
        #expect(try await engine.run(to: moment.later(by: 1000)) == .reached)
      }
    }
  }
}
