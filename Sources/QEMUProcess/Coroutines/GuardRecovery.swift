import Bytes

/// Works out the pointer guard from saved contexts when no thread's control block gives it.
///
/// A context saved in a jump buffer leaves a trace on its own stack: the return address of the call
/// that left it, just below the saved stack pointer and near the saved program counter. So every
/// code address on a stack proposes a guard (the one that puts the stack pointer just above it);
/// the right one also yields a program counter near that code address, and is the same for all
/// stacks.
struct GuardRecovery: Sendable {
  let process: HostProcess
  let format: JumpBufferFormat

  /// How many stacks are looked at, and how much of each: a few would do.
  private static let stackLimit = 256
  private static let depthLimit: UInt64 = 64 << 10

  /// The guard that most of `references` agree on; nil if none explains any, or two explain as many.
  func recover(from references: [StackReference]) -> PointerGuard? {
    guard process.architecture == .x86_64 else { return nil }
    var votes: [UInt64: Int] = [:]
    var seen: Set<CoroutineStack> = []
    for reference in references {
      guard seen.count < Self.stackLimit else { break }
      let proposals = proposals(of: reference)
      if proposals.isEmpty || !seen.insert(reference.stack).inserted { continue }
      for proposal in proposals { votes[proposal, default: 0] += 1 }
    }
    let ranked = votes.sorted { ($0.value, $1.key) > ($1.value, $0.key) }
    guard let best = ranked.first else { return nil }
    if ranked.count > 1, ranked[1].value == best.value { return nil }
    return PointerGuard(value: best.key, source: .recovered(stacks: best.value))
  }

  private func proposals(of reference: StackReference) -> Set<UInt64> {
    let words = ClaimReader.words(after: reference, format: format, memory: process.memory)
    guard words.count >= format.wordCount else { return [] }
    let starts = 0...(words.count - format.wordCount)
    var proposals: Set<UInt64> = []
    forEachCodeAddress(on: reference.stack) { address, code in
      for start in starts {
        let pointer = JumpBufferFormat.rotateRight(
          words[start + format.stackPointerSlot], by: format.rotation)
        let counter = JumpBufferFormat.rotateRight(
          words[start + format.programCounterSlot], by: format.rotation)
        let proposal = pointer ^ (address &+ 8)
        let resumed = counter ^ proposal
        if ClaimReader.isNear(resumed, code), process.isCode(resumed) {
          proposals.insert(proposal)
        }
      }
    }
    return proposals
  }

  /// Calls `body` with every word on the stack's upper part that points into code, and its address.
  private func forEachCodeAddress(
    on stack: CoroutineStack, _ body: (_ address: UInt64, _ code: UInt64) -> Void
  ) {
    let lowest = max(
      stack.usableStart.rawValue,
      stack.end.rawValue &- min(Self.depthLimit, stack.size))
    var address = stack.end.rawValue
    while address >= lowest + 8 {
      address -= 8
      do throws(MemoryFault) {
        let word = try process.memory.word(at: VirtualAddress(address))
        if word != 0, process.isCode(word) { body(address, word) }
      } catch {
        // The page isn't in the dump.
        address &= ~0xfff
      }
    }
  }
}
