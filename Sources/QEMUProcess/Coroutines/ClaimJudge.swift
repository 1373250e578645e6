public import Bytes

/// Decides which structure owns a stack.
///
/// A freed structure keeps its words until the memory is reused, and a new stack is often mapped
/// where an old one was: then two structures describe the same stack, or one describes a stack that
/// is another thing by now.
struct ClaimJudge: Sendable {
  let process: HostProcess
  let reader: ClaimReader
  let layout: CoroutineLayout
  /// Where claims are made by the guest rather than by QEMU, if at all.
  let isGuestMemory: @Sendable (VirtualAddress) -> Bool

  /// A claim with what speaks for and against it.
  struct Finding: Sendable {
    let claim: CoroutineClaim
    let address: VirtualAddress
    var evidence: [CoroutineEvidence]
    var doubts: [String] = []
    /// Nil if the claim can stand.
    var rejection: String?
    var weight: Int
  }

  /// One finding for each stack that has an owner, by address of the structure; and what was
  /// rejected, with the reason.
  func judge(_ claims: [CoroutineClaim]) -> (accepted: [Finding], rejected: [RejectedCoroutine]) {
    var byStack: [VirtualAddress: [Finding]] = [:]
    for claim in claims {
      byStack[claim.reference.stack.base, default: []].append(finding(for: claim))
    }
    var accepted: [Finding] = []
    var rejected: [RejectedCoroutine] = []
    for findings in byStack.values {
      let ranked = findings.sorted {
        ($0.rejection == nil ? 1 : 0, $0.weight, $1.address)
          > ($1.rejection == nil ? 1 : 0, $1.weight, $0.address)
      }
      guard var winner = ranked.first, winner.rejection == nil else {
        rejected += ranked.map {
          RejectedCoroutine($0, reason: $0.rejection ?? "contradicts itself")
        }
        continue
      }
      for other in ranked.dropFirst() {
        if other.rejection == nil, other.weight == winner.weight {
          winner.doubts.append(
            "\(other.address) has an equal claim to the stack at \(other.claim.reference.stack.base)"
          )
        }
        let reason = other.rejection ?? "its stack belongs to the coroutine at \(winner.address)"
        rejected.append(RejectedCoroutine(other, reason: reason))
      }
      accepted.append(winner)
    }
    return (
      accepted.sorted { $0.address < $1.address }, rejected.sorted { $0.address < $1.address }
    )
  }

  private func finding(for claim: CoroutineClaim) -> Finding {
    let learner = LayoutLearner(process: process)
    let stack = claim.reference.stack
    let address = claim.reference.address &- layout.stackOffset
    var finding = Finding(claim: claim, address: address, evidence: [], weight: 0)
    func note(_ evidence: CoroutineEvidence, _ weight: Int) {
      finding.evidence.append(evidence)
      finding.weight += weight
    }
    let threads = threads(on: stack)
    for thread in threads { note(.threadOnStack(thread), 2) }
    let own = learner.distanceOfOwnAddress(address, on: stack)
    if let own { note(.selfOnStack(distance: own), 8) }
    let switched = reader.switchIsOnStack(claim)
    if switched == true { note(.switchOnStack, 4) }
    let isEntryCode = learner.isCode(at: address)
    if isEntryCode { note(.entryIsCode, 3) }
    if let members = layout.members, learner.isEmptyQueue(at: address &+ members.queueWakeup) {
      note(.emptyWakeupQueue, 2)
    }
    if registersHold(address, claim) { note(.selfInJumpBuffer, 1) }
    note(.stackReference(at: claim.reference.address), 0)
    note(.jumpBuffer, 0)
    if isEntryCode { note(.commonLayout(votes: layout.votes, of: layout.total), 0) }

    // A live or pooled coroutine's entry is a function; the C library's free() writes over this
    // word first of all.
    if !isEntryCode, own == nil {
      finding.rejection = "its entry isn't code: freed memory"
    } else if own == nil, threads.isEmpty, switched == false {
      finding.rejection = "nothing on the stack belongs to it: freed memory, or a copy"
    }
    if isGuestMemory(address) {
      finding.weight -= 16
      finding.doubts.append("the structure lies in what may be the guest's memory")
      if own == nil { finding.rejection = "a copy in the guest's memory" }
    }
    return finding
  }

  private func threads(on stack: CoroutineStack) -> [Int32] {
    process.threads.compactMap { thread in
      guard let pointer = thread.registers[process.architecture.stackPointer],
        stack.contains(VirtualAddress(pointer))
      else { return nil }
      return thread.id
    }
  }

  private func registersHold(_ address: VirtualAddress, _ claim: CoroutineClaim) -> Bool {
    do throws(MemoryFault) {
      let state = try reader.format.registers(
        at: claim.jumpBuffer, in: process.memory, guardedBy: reader.guardValue)
      return reader.format.slots.contains { slot in
        slot.registers.contains { state[$0] == address.rawValue }
      }
    } catch {
      return false
    }
  }
}

/// Something that looked like a coroutine and was found not to be one.
public struct RejectedCoroutine: Hashable, Sendable {
  public let address: VirtualAddress
  public let stack: CoroutineStack
  public let reason: String

  init(_ finding: ClaimJudge.Finding, reason: String) {
    address = finding.address
    stack = finding.claim.reference.stack
    self.reason = reason
  }
}
