import Bytes
import Unwinding

/// Reads coroutines from their structures, and links callers and threads to them.
struct CoroutineBuilder: Sendable {
  let process: HostProcess
  let format: JumpBufferFormat
  let guardValue: UInt64
  let layout: CoroutineLayout

  /// A chain of callers longer than this isn't followed: each takes a stack of its own.
  private static let chainLimit = 4096

  func coroutine(for finding: ClaimJudge.Finding) throws(MemoryFault) -> Coroutine {
    let memory = process.memory
    let address = finding.address
    let caller = try memory.word(at: address &+ CoroutineMembers.caller)
    var coroutine = Coroutine(
      address: address, state: .inactive,
      entry: VirtualAddress(try memory.word(at: address &+ CoroutineMembers.entry)),
      argument: try memory.word(at: address &+ CoroutineMembers.argument),
      caller: caller == 0 ? nil : VirtualAddress(caller), stack: finding.claim.reference.stack,
      jumpBuffer: finding.claim.jumpBuffer,
      registers: try format.registers(
        at: finding.claim.jumpBuffer, in: memory, guardedBy: guardValue),
      locksHeld: try member(\.locksHeld, of: address), evidence: finding.evidence,
      doubts: finding.doubts)
    if let context = try member(\.context, of: address), context != 0 {
      coroutine.context = AioContextReference(address: VirtualAddress(context))
    }
    if let count = coroutine.locksHeld, count > 1 << 20 {
      coroutine.doubts.append("it counts \(count) locks as held")
    }
    return coroutine
  }

  private func member(
    _ path: KeyPath<CoroutineMembers, UInt64>, of address: VirtualAddress
  ) throws(MemoryFault) -> UInt64? {
    guard let members = layout.members else { return nil }
    return try process.memory.word(at: address &+ members[keyPath: path])
  }

  /// Finds out which coroutines run and who called whom, as far as that needs no unwinding.
  func link(_ coroutines: inout [Coroutine]) {
    let indices = Dictionary(
      coroutines.enumerated().map { ($1.address, $0) }, uniquingKeysWith: { first, _ in first })
    for index in coroutines.indices { coroutines[index].state = initialState(coroutines[index]) }
    for thread in process.threads { place(thread, in: &coroutines) }
    for index in coroutines.indices {
      let chain = callers(of: coroutines[index], coroutines, indices)
      coroutines[index].callers = chain
    }
    for index in coroutines.indices where coroutines[index].caller != nil {
      // Whoever has a caller has been entered, and so has its caller entered it.
      if let caller = coroutines[index].caller, let callerIndex = indices[caller],
        case .entering = coroutines[callerIndex].state
      {
        coroutines[callerIndex].state = .entering(coroutines[index].address)
      }
    }
  }

  /// The state as far as the structure alone tells it.
  private func initialState(_ coroutine: Coroutine) -> CoroutineState {
    if coroutine.caller != nil { return .entering(nil) }
    if let scheduler = scheduler(of: coroutine) { return .scheduled(by: scheduler.name) }
    return .inactive
  }

  /// The function that scheduled the coroutine, by the name that `scheduled` points at.
  private func scheduler(of coroutine: Coroutine) -> (name: String?, Void)? {
    guard let offset = layout.members?.scheduled else { return nil }
    do throws(MemoryFault) {
      let pointer = try process.memory.word(at: coroutine.address &+ offset)
      guard pointer != 0 else { return nil }
      return (try functionName(at: VirtualAddress(pointer)), ())
    } catch {
      return (nil, ())
    }
  }

  /// The C identifier at `address`; nil if what is there is none.
  private func functionName(at address: VirtualAddress) throws(MemoryFault) -> String? {
    let (bytes, isComplete) = try process.memory.cString(at: address, limit: 128)
    let isIdentifier = bytes.allSatisfy { byte in
      byte == UInt8(ascii: "_") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
    guard isComplete, isIdentifier, !bytes.isEmpty else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Marks the coroutine that `thread` executes, if it executes one.
  private func place(_ thread: HostThread, in coroutines: inout [Coroutine]) {
    guard let pointer = thread.registers[process.architecture.stackPointer],
      let index = coroutines.firstIndex(where: { $0.stack.contains(VirtualAddress(pointer)) })
    else { return }
    if case .running(let other) = coroutines[index].state {
      coroutines[index].doubts.append("threads \(other) and \(thread.id) are both on its stack")
      return
    }
    coroutines[index].state = .running(thread: thread.id)
    coroutines[index].registers = thread.registers
    if coroutines[index].caller == nil {
      coroutines[index].doubts.append("it is running but has no caller")
    }
  }

  private func callers(
    of coroutine: Coroutine, _ coroutines: [Coroutine], _ indices: [VirtualAddress: Int]
  ) -> [CoroutineCaller] {
    var chain: [CoroutineCaller] = []
    var seen: Set<VirtualAddress> = [coroutine.address]
    var next = coroutine.caller
    while let address = next {
      guard seen.insert(address).inserted, chain.count < Self.chainLimit else {
        chain.append(CoroutineCaller(address: address, kind: .broken, registers: nil))
        return chain
      }
      guard let index = indices[address] else {
        chain.append(threadContext(at: address))
        return chain
      }
      chain.append(
        CoroutineCaller(
          address: address, kind: .coroutine, registers: coroutines[index].registers))
      next = coroutines[index].caller
    }
    return chain
  }

  /// A caller that has no stack of its own: a thread's `leader`, laid out as any coroutine, in the
  /// thread's local storage (ucontext) or on the heap (sigaltstack).
  private func threadContext(at address: VirtualAddress) -> CoroutineCaller {
    do throws(MemoryFault) {
      let registers = try format.registers(
        at: address &+ layout.jumpBufferOffset, in: process.memory, guardedBy: guardValue)
      guard let counter = registers[process.architecture.programCounter],
        let pointer = registers[process.architecture.stackPointer], process.isCode(counter),
        process.isWritable(pointer)
      else { return CoroutineCaller(address: address, kind: .broken, registers: nil) }
      return CoroutineCaller(
        address: address, kind: .threadContext(thread: thread(ownStackWith: pointer)),
        registers: registers)
    } catch {
      return CoroutineCaller(address: address, kind: .broken, registers: nil)
    }
  }

  /// The thread whose own stack holds `pointer`: glibc puts a thread's control block at the upper
  /// end of the mapping that is its stack. The main thread's stack is nobody's otherwise.
  private func thread(ownStackWith pointer: UInt64) -> Int32? {
    guard let mapping = process.mapping(containing: VirtualAddress(pointer)) else { return nil }
    let inside = process.threads.filter { thread in
      guard let block = thread.threadPointer else { return false }
      return mapping.contains(block.rawValue) && block.rawValue > pointer
    }
    if let nearest = inside.min(by: {
      ($0.threadPointer?.rawValue ?? 0) < ($1.threadPointer?.rawValue ?? 0)
    }) {
      return nearest.id
    }
    return mapping.path == "[stack]" ? process.threads.first?.id : nil
  }
}
