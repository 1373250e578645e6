internal import Bytes

/// What the user has lately read at one position and so will probably read at the next one, too:
/// debuggers look at the same things after every step.
struct ReadHints: Sendable {
  /// Larger reads aren't remembered.
  static let sizeLimit: UInt64 = 512
  static let countLimit = 8
  /// How far above the stack pointer still counts as the stack's top.
  private static let stackReach: UInt64 = 8192
  /// How far below it a leaf function may use the stack (psABI x86-64, section 3.2.2).
  private static let redZone: UInt64 = 128

  private enum Hint: Hashable {
    /// So many bytes above the stack pointer, modulo 2⁶⁴.
    case onStack(offset: UInt64, count: UInt64)
    case fixed(MemoryRange)
  }

  /// The latest last.
  private var hints: [Hint] = []

  mutating func note(_ range: MemoryRange, with registers: EngineRegisters) {
    guard range.count > 0, range.count <= Self.sizeLimit else { return }
    let hint = Self.hint(for: range, registers)
    hints.removeAll { $0 == hint }
    hints.append(hint)
    if hints.count > Self.countLimit { hints.removeFirst() }
  }

  private static func hint(for range: MemoryRange, _ registers: EngineRegisters) -> Hint {
    guard case .virtual(let address) = range.start else { return .fixed(range) }
    let offset = address.rawValue &- registers.stackPointer.rawValue
    let isNear = offset < stackReach || 0 &- offset <= redZone
    return isNear ? .onStack(offset: offset, count: range.count) : .fixed(range)
  }

  /// What to read at a position with these registers.
  func ranges(with registers: EngineRegisters) -> [MemoryRange] {
    hints.map { hint in
      switch hint {
      case .fixed(let range): range
      case .onStack(let offset, let count):
        MemoryRange(.virtual(registers.stackPointer &+ offset), count: count)
      }
    }
  }
}
