internal import Bytes

/// What the user has lately read at one position and so will probably read at the next one, too:
/// debuggers look at the same things after every step. And what every debugger reads: the code at the
/// program counter, and the top of the stack.
struct ReadHints: Sendable {
  /// Larger reads aren't remembered.
  static let sizeLimit: UInt64 = 512
  static let countLimit = 12
  /// Debuggers read their caches' lines, and next what lies beside what they read before.
  private static let line: UInt64 = 64
  /// How far above the stack pointer still counts as the stack's top.
  private static let stackReach: UInt64 = 8192
  /// How far below it a leaf function may use the stack (psABI x86-64, section 3.2.2).
  private static let redZone: UInt64 = 128
  /// How much of the stack's top is read at each position, and where that may be cut short: the stack may
  /// end with the page.
  private static let stackTop: UInt64 = 1024
  private static let page: UInt64 = 4096

  private enum Hint: Hashable {
    /// So many bytes above the stack pointer's line, modulo 2⁶⁴.
    case onStack(offset: UInt64, count: UInt64)
    case fixed(MemoryRange)
  }

  /// The latest last.
  private var hints: [Hint] = []

  /// - Parameter isKnown: whether what was recorded at the position had it; then it is only remembered that
  ///   it is still wanted.
  mutating func note(_ range: MemoryRange, with registers: EngineRegisters, isKnown: Bool) {
    guard range.count > 0, range.count <= Self.sizeLimit else { return }
    let hint = Self.hint(for: Self.lines(of: range), registers)
    if let index = hints.firstIndex(of: hint) { hints.remove(at: index) } else if isKnown { return }
    hints.append(hint)
    if hints.count > Self.countLimit { hints.removeFirst() }
  }

  private static func lines(of range: MemoryRange) -> MemoryRange {
    let start = range.rawStart & ~(line - 1)
    let (end, overflow) = range.rawStart.addingReportingOverflow(range.count + line - 1)
    guard !overflow else { return range }
    return MemoryRange(range.start.moved(to: start), count: (end & ~(line - 1)) - start)
  }

  private static func hint(for range: MemoryRange, _ registers: EngineRegisters) -> Hint {
    guard case .virtual(let address) = range.start else { return .fixed(range) }
    let offset = address.rawValue &- base(registers)
    let isNear = offset < stackReach || 0 &- offset <= redZone
    return isNear ? .onStack(offset: offset, count: range.count) : .fixed(range)
  }

  private static func base(_ registers: EngineRegisters) -> UInt64 {
    registers.stackPointer.rawValue & ~(line - 1)
  }

  /// What to read at a position with these registers.
  func ranges(with registers: EngineRegisters) -> [MemoryRange] {
    Self.always(with: registers)
      + hints.map { hint in
        switch hint {
        case .fixed(let range): range
        case .onStack(let offset, let count):
          MemoryRange(.virtual(VirtualAddress(Self.base(registers) &+ offset)), count: count)
        }
      }
  }

  private static func always(with registers: EngineRegisters) -> [MemoryRange] {
    let counter = registers.programCounter.rawValue & ~(line - 1)
    let stack = base(registers)
    // An instruction may lie in two lines; few pages are crossed.
    var ranges = [MemoryRange(.virtual(VirtualAddress(counter)), count: 2 * line)]
    let room = page - stack % page
    ranges.append(MemoryRange(.virtual(VirtualAddress(stack)), count: min(stackTop, room)))
    if room < stackTop {
      let next = VirtualAddress(stack &+ room)
      ranges.append(MemoryRange(.virtual(next), count: stackTop - room))
    }
    return ranges
  }
}
