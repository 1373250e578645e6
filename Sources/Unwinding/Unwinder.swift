public import Bytes

/// Walks a stack from its innermost frame outwards.
///
/// The row for a frame comes from the module's unwind table. Where no table covers the program
/// counter, the kernel's signal frame is recognised by its code; failing that, the top of the
/// stack and the frame pointer may give a caller, which is then labelled as a guess.
public struct Unwinder: Sendable {
  public let architecture: Architecture

  public init(architecture: Architecture = .x86_64) {
    self.architecture = architecture
  }

  /// The frames from `registers` on, at most `limit`, innermost first, and why there are no more.
  ///
  /// `isAfterCall` says that the initial program counter is a return address rather than an
  /// instruction that was about to run: so it is for registers that `setjmp` saved.
  @inlinable
  public func unwind<M: Memory, Tables: UnwindTableProvider>(
    from registers: RegisterState, memory: M, tables: Tables, limit: Int = 1024,
    isAfterCall: Bool = false
  ) -> Backtrace {
    guard let pc = registers[architecture.programCounter] else {
      return Backtrace(frames: [], stop: .programCounterUnknown)
    }
    var frames = [
      Frame(pc: VirtualAddress(pc), registers: registers, isAfterCall: isAfterCall)
    ]
    var walk = StackWalk(architecture: architecture, memory: memory, tables: tables)
    do throws(UnwindStop) {
      while true {
        let last = frames.count - 1
        let caller = try walk.caller(of: &frames[last], isInnermost: last == 0)
        guard frames.count < limit else { throw .frameLimit(limit) }
        frames.append(caller)
      }
    } catch {
      return Backtrace(frames: frames, stop: error)
    }
  }
}

/// One walk, and what it remembers from frame to frame.
@usableFromInline
struct StackWalk<M: Memory, Tables: UnwindTableProvider> {
  @usableFromInline let architecture: Architecture
  @usableFromInline let memory: M
  @usableFromInline let tables: Tables

  /// The CFA of the frame before, unless a signal may have switched stacks since.
  @usableFromInline var floor: VirtualAddress?
  /// A frame to recognise a cycle by, and after how many frames it is replaced (Brent's method).
  @usableFromInline var landmark: (pc: VirtualAddress, cfa: VirtualAddress)?
  @usableFromInline var framesToLandmark = 1
  @usableFromInline var landmarkSpan = 1
  /// Registers whose saved values couldn't be read.
  @usableFromInline var unreadable: [RegisterNumber: MemoryFault] = [:]

  @usableFromInline
  init(architecture: Architecture, memory: M, tables: Tables) {
    self.architecture = architecture
    self.memory = memory
    self.tables = tables
  }

  /// The caller of `frame`, whose CFA and kind are filled in on the way.
  @inlinable
  mutating func caller(
    of frame: inout Frame, isInnermost: Bool
  ) throws(UnwindStop) -> Frame {
    let (row, bias) = try self.row(for: frame, isInnermost: isInnermost)
    // The kernel's own entry code is a frame like any other: what runs, runs in it.
    frame.isSignalFrame = row.isSignalFrame && row.evidence != .orc
    let step = try apply(row, to: frame, bias: bias)
    frame.cfa = step.cfa
    try checkProgress(of: frame, by: row)
    if try interruptedProgram(row, cfa: step.cfa) { throw .endOfStack(.enteredFromUserMode) }
    let pc: VirtualAddress
    switch step.returnAddress {
    case .known(let address): pc = address
    case .undefined: throw .endOfStack(.returnAddressUndefined)
    case .unknown(.unreadable(let fault)): throw .memory(fault)
    case .unknown(let reason): throw .returnAddressUnknown(reason)
    }
    // A signal may have interrupted a jump to 0; a return to 0 is how the outermost frame is marked.
    if pc.rawValue == 0, !row.isSignalFrame { throw .endOfStack(.zeroReturnAddress) }
    if !step.faults.isEmpty || !unreadable.isEmpty { noteUnreadable(step) }
    return Frame(
      pc: pc, registers: step.registers, evidence: .unwound(row.evidence),
      restsOnGuess: frame.restsOnGuess || row.evidence.isGuess, isAfterCall: !row.isSignalFrame)
  }

  /// Whether the frame with this row was entered from user mode.
  @inlinable
  func interruptedProgram(_ row: UnwindRow, cfa: VirtualAddress) throws(UnwindStop) -> Bool {
    guard let offset = row.interruptedCodeSegment else { return false }
    do throws(MemoryFault) {
      // The requested privilege level of the selector: 3 for programs, 0 for the kernel.
      return try memory.word(at: cfa &+ UInt64(bitPattern: offset)) & 3 == 3
    } catch {
      throw .memory(error)
    }
  }

  @inlinable
  func apply(
    _ row: UnwindRow, to frame: Frame, bias: UInt64
  ) throws(UnwindStop) -> UnwindStep {
    do throws(UnwindError) {
      return try row.step(
        from: frame.registers, memory: memory, architecture: architecture, bias: bias)
    } catch {
      throw stop(for: error, at: frame.pc)
    }
  }

  @usableFromInline
  func stop(for error: UnwindError, at pc: VirtualAddress) -> UnwindStop {
    switch error {
    case .cfaRegisterUnknown(let register):
      let reason = unreadable[register].map { UnknownReason.unreadable($0) } ?? .notSaved
      return .cfaUnknown(register, name: architecture.name(of: register), reason)
    case .expression(.memory(let fault)): return .memory(fault)
    default: return .damaged(pc: pc, error)
    }
  }

  @usableFromInline
  mutating func noteUnreadable(_ step: UnwindStep) {
    for register in Array(unreadable.keys) where step.registers[register] != nil {
      unreadable[register] = nil
    }
    for fault in step.faults { unreadable[fault.register] = fault.fault }
  }

  /// Throws unless the stack goes on growing outwards.
  ///
  /// A signal may run on a stack of its own, and a CFA given by an expression may lead from one
  /// stack to another (a kernel's interrupt stacks, a language's fibres); these may go anywhere, but
  /// not to where the walk has been.
  @inlinable
  mutating func checkProgress(of frame: Frame, by row: UnwindRow) throws(UnwindStop) {
    guard let cfa = frame.cfa else { return }
    if let floor, case .registerOffset = row.cfa {
      // Where calls push the return address, the caller's frame ends higher up for certain.
      let hasMoved = cfa > floor || (cfa == floor && !architecture.callsPush)
      guard hasMoved else { throw .cfaDidNotAdvance(from: floor, to: cfa) }
    }
    floor = row.isSignalFrame ? nil : cfa
    if let landmark, landmark == (frame.pc, cfa) { throw .cycle(pc: frame.pc, cfa: cfa) }
    framesToLandmark -= 1
    if framesToLandmark == 0 {
      landmark = (frame.pc, cfa)
      landmarkSpan *= 2
      framesToLandmark = landmarkSpan
    }
  }
}

extension Architecture {
  /// Calls push the return address.
  @inlinable
  var callsPush: Bool { returnAddress == programCounter }
}
