import Bytes
import Symbols
import Unwinding

/// Puts back the frames of functions that left a stack by a tail call, where the calls and jumps
/// that the compiler recorded leave no doubt.
struct TailCallFrames {
  /// The stack as it was unwound.
  let stack: SymbolicStack

  /// The frames with those that were missing; nil if none was.
  func completed() -> [Frame]? {
    let frames = stack.backtrace.frames
    var completed: [Frame] = []
    for index in frames.indices {
      completed.append(frames[index])
      completed += missingFrames(after: index)
    }
    return completed.count > frames.count ? completed : nil
  }

  /// The frames between frame `index` and its caller.
  private func missingFrames(after index: Int) -> [Frame] {
    let frames = stack.backtrace.frames
    guard index + 1 < frames.count, !frames[index].isSignalFrame,
      Self.isCallOnRecord(frames[index + 1]),
      let called = StackFrameContext(stack, frame: index + 1)?.calledAddress,
      let entry = stack.functionEntry(ofFrame: index), called != entry
    else { return [] }
    let returns = stack.process.tailCalls(stack.problems).returnAddresses(from: called, to: entry)
    return returns.map { frame(returningTo: $0, between: frames[index], and: frames[index + 1]) }
  }

  /// The frame is at a call, and unwind information rather than a guess led to it.
  private static func isCallOnRecord(_ frame: Frame) -> Bool {
    guard frame.isAfterCall, !frame.isSignalFrame, case .unwound(let evidence) = frame.evidence
    else { return false }
    return !evidence.isGuess
  }

  /// The frame of a function that jumped away just before `address`. What registers it still had to
  /// give back it had given back before the jump: they are the caller's.
  private func frame(
    returningTo address: VirtualAddress, between callee: Frame, and caller: Frame
  ) -> Frame {
    var registers = caller.registers
    registers[stack.process.architecture.programCounter] = address.rawValue
    return Frame(
      pc: address, registers: registers, evidence: .tailCall, restsOnGuess: caller.restsOnGuess,
      isAfterCall: true, cfa: callee.cfa)
  }
}

extension SymbolicStack {
  /// Where in memory the function of frame `index` begins; nil if nothing tells.
  func functionEntry(ofFrame index: Int) -> VirtualAddress? {
    guard let line = firstLine(ofFrame: index), let module = line.module else {
      return nil
    }
    if let function = line.function {
      return (function.entry ?? function.lowPC).map(module.loadedAddress)
    }
    return line.symbol.map { module.loadedAddress(of: $0.symbol.address) }
  }
}
