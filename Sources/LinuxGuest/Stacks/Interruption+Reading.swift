import Bytes
import Targets
import Unwinding

extension Interruption {
  /// What was saved where the frames of `backtrace` were entered by interrupts and the like.
  static func all(in backtrace: Backtrace, of process: Process) -> [Interruption] {
    let frames = backtrace.frames
    return frames.indices.compactMap { index in
      let isLast = index == frames.count - 1
      // The caller of such a frame is at no call, or it is a program.
      guard isLast ? backtrace.stop.isEnteredFromUserMode : !frames[index + 1].isAfterCall else {
        return nil
      }
      return Interruption(of: frames[index], index: index, process)
    }
  }

  private init?(of frame: Frame, index: Int, _ process: Process) {
    guard let cfa = frame.cfa, let row = Self.row(of: frame, process),
      row.interruptedCodeSegment != nil
    else { return nil }
    let start = cfa &- UInt64(PTRegisters.size)
    func word(_ offset: Int64) -> UInt64? {
      do throws(MemoryFault) {
        return try process.memory.word(at: start &+ UInt64(bitPattern: offset))
      } catch {
        return nil  // Unknown, as the page is missing.
      }
    }
    isPartial = row[RegisterNumber(15)] == .unspecified
    let offsets = isPartial ? PTRegisters.interruptFrameOffsets : PTRegisters.offsets
    var registers = RegisterState()
    for (register, offset) in offsets { registers[register] = word(offset) }
    self.registers = registers
    frameIndex = index
    address = start
    originalRAX = isPartial ? nil : word(PTRegisters.originalRAX)
    codeSegment = word(PTRegisters.codeSegment).map { $0 & 0xffff }
    flags = word(PTRegisters.flags)
    stackSegment = word(PTRegisters.stackSegment).map { $0 & 0xffff }
  }

  private static func row(of frame: Frame, _ process: Process) -> UnwindRow? {
    let address = frame.isAfterCall ? frame.pc &- 1 : frame.pc
    guard let located = process.unwindTable(for: address) else { return nil }
    do throws(UnwindError) {
      return try located.table.row(at: address &- located.bias)
    } catch {
      return nil  // The walk ended for the same reason, and says so.
    }
  }
}

extension UnwindStop {
  fileprivate var isEnteredFromUserMode: Bool {
    if case .endOfStack(.enteredFromUserMode) = self { true } else { false }
  }
}
