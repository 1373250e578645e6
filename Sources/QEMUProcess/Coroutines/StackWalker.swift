public import Bytes
public import Unwinding

/// Unwinds stacks of the process: what telling a suspended coroutine from an ended one takes.
public protocol StackWalker: Sendable {
  /// The program counters from the innermost frame outwards, at most `limit` of them.
  func programCounters(from registers: RegisterState, limit: Int) -> [VirtualAddress]
  /// The first instruction of the function that holds `counter`; nil if nothing tells.
  func functionStart(of counter: VirtualAddress) -> VirtualAddress?
}

/// Tells created, ended and suspended coroutines apart by their stacks, without symbols.
///
/// QEMU leaves a coroutine in three ways (util/coroutine-ucontext.c, util/coroutine-sigaltstack.c,
/// util/qemu-coroutine.c), innermost frame first:
///
///     created    [bootstrap,] trampoline
///     ended      switch, [bootstrap,] trampoline
///     suspended  switch, yield, …, entry, [bootstrap,] trampoline
///
/// `bootstrap` exists with sigaltstack only, and only if it isn't inlined. Outside of these frames
/// is the C library's start of a context, or a signal's return.
struct StackClassifier: Sendable {
  let process: HostProcess
  let walker: any StackWalker

  /// More frames than QEMU's own machinery has below the entry function.
  private static let frameLimit = 512

  /// The functions on a coroutine's stack, innermost first, as far as they are the program's.
  private struct Shape {
    let functions: [VirtualAddress]
    /// The walk went past the program's outermost function: nothing is missing.
    let isComplete: Bool
  }

  /// Sets the states of those coroutines that aren't running and have no caller.
  func classify(_ coroutines: inout [Coroutine]) {
    let indices = coroutines.indices.filter {
      coroutines[$0].state == .inactive
    }
    let shapes = Dictionary(
      uniqueKeysWithValues: indices.map { ($0, shape(of: coroutines[$0])) })
    let complete = shapes.values.filter(\.isComplete)
    // The functions below the entry function: the same in all coroutines.
    guard let trampoline = Self.mostCommon(complete.compactMap(\.functions.last)) else { return }
    let inner: [VirtualAddress] = indices.compactMap { index in
      guard let shape = shapes[index], shape.isComplete, shape.functions.count > 3,
        shape.functions.last == trampoline, let next = shape.functions.dropLast().last
      else { return nil }
      return next == coroutines[index].entry ? nil : next
    }
    let bootstrap = Set(inner).count == 1 ? inner.first : nil
    for index in indices {
      guard let shape = shapes[index], shape.isComplete, shape.functions.last == trampoline else {
        continue
      }
      coroutines[index].state = Self.state(of: shape.functions.dropLast(), bootstrap: bootstrap)
    }
  }

  /// The state by the functions inside the trampoline.
  private static func state(
    of functions: ArraySlice<VirtualAddress>, bootstrap: VirtualAddress?
  ) -> CoroutineState {
    var inside = functions
    if let bootstrap, inside.last == bootstrap { inside = inside.dropLast() }
    switch inside.count {
    case 0: return .created
    case 1: return .terminated
    default: return .suspended
    }
  }

  private static func mostCommon(_ functions: [VirtualAddress]) -> VirtualAddress? {
    var votes: [VirtualAddress: Int] = [:]
    for function in functions { votes[function, default: 0] += 1 }
    return votes.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
  }

  private func shape(of coroutine: Coroutine) -> Shape {
    let counters = walker.programCounters(from: coroutine.registers, limit: Self.frameLimit)
    guard let first = counters.first, let program = process.mapping(containing: first) else {
      return Shape(functions: [], isComplete: false)
    }
    var functions: [VirtualAddress] = []
    for (index, counter) in counters.enumerated() {
      let isProgram =
        process.mapping(containing: counter).map { $0.start == program.start } ?? false
      guard isProgram else { return Shape(functions: functions, isComplete: true) }
      // A return address may lie just past a function that ends with the call.
      let inside = index == 0 ? counter : counter &- 1
      guard let function = walker.functionStart(of: inside) else {
        return Shape(functions: functions, isComplete: false)
      }
      functions.append(function)
    }
    return Shape(functions: functions, isComplete: false)
  }
}

extension CoroutineScanner.Result {
  /// Tells apart, by unwinding their stacks, which of the coroutines that nobody runs are suspended,
  /// which have ended, and which were never entered.
  public mutating func classify(in process: HostProcess, with walker: some StackWalker) {
    StackClassifier(process: process, walker: walker).classify(&coroutines)
    DepthClassifier(process: process).classify(&coroutines)
    for index in coroutines.indices where coroutines[index].state == .inactive {
      coroutines[index].doubts.append("its stack can't be unwound to its start")
    }
  }
}
