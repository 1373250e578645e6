import Bytes

/// Where the members of a coroutine's structure lie, as learned from the coroutines themselves.
public struct CoroutineLayout: Hashable, Sendable {
  /// Of `stack`, from the structure's start, in bytes.
  public let stackOffset: UInt64
  /// Of the jump buffer, from the structure's start.
  public let jumpBufferOffset: UInt64
  /// How many of the coroutines speak for it.
  public let votes: Int
  public let total: Int
  /// The members between; nil if no known arrangement fits what was found.
  public let members: CoroutineMembers?

  public init(
    stackOffset: UInt64, jumpBufferOffset: UInt64, votes: Int, total: Int,
    members: CoroutineMembers?
  ) {
    self.stackOffset = stackOffset
    self.jumpBufferOffset = jumpBufferOffset
    self.votes = votes
    self.total = total
    self.members = members
  }
}

/// The offsets of `struct Coroutine`'s members in one range of QEMU versions, in bytes.
///
/// `entry`, `entry_arg` and `caller` have come first, in this order, ever since coroutines exist.
public struct CoroutineMembers: Hashable, Sendable {
  /// The QEMU versions that arrange them so.
  public let versions: String
  /// The structure's size, and so the offset of what the backend adds, which is `stack` first.
  public let size: UInt64
  public let poolNext: UInt64
  public let locksHeld: UInt64
  public let context: UInt64
  /// Nil in versions that didn't note who scheduled a coroutine.
  public let scheduled: UInt64?
  public let queueNext: UInt64
  /// A queue's head: first element, then the address of the last one's link.
  public let queueWakeup: UInt64
  public let scheduledNext: UInt64

  public static let entry: UInt64 = 0
  public static let argument: UInt64 = 8
  public static let caller: UInt64 = 16

  // struct Coroutine on 64-bit hosts (include/qemu/coroutine_int.h, unchanged from 2.12 to 10.1):
  //
  //    0       8          16      24         32          40   48         56             64               80
  //   ┌───────┬──────────┬───────┬──────────┬───────────┬────┬──────────┬──────────────┬────────┬───────┬──────────────────┐
  //   │ entry │ entry_arg│ caller│ pool_next│ locks_held│ ctx│ scheduled│ co_queue_next│ co_queue_wakeup│ co_scheduled_next│
  //   └───────┴──────────┴───────┴──────────┴───────────┴────┴──────────┴──────────────┴────────┴───────┴──────────────────┘ 88
  static let sinceScheduling = CoroutineMembers(
    versions: "2.12 and newer", size: 88, poolNext: 24, locksHeld: 32, context: 40, scheduled: 48,
    queueNext: 56, queueWakeup: 64, scheduledNext: 80)

  // Before `scheduled` existed the wakeup queue stood before `ctx` (the same file in 2.9 to 2.11).
  static let beforeScheduling = CoroutineMembers(
    versions: "2.9 to 2.11", size: 80, poolNext: 24, locksHeld: 32, context: 56, scheduled: nil,
    queueNext: 64, queueWakeup: 40, scheduledNext: 72)

  /// Newest first.
  public static let known = [sinceScheduling, beforeScheduling]
}

/// Learns the layout from the claims: nothing but shape is used.
struct LayoutLearner: Sendable {
  let process: HostProcess

  /// How far before the stack reference the structure may begin, in bytes.
  private static let stackOffsets = stride(from: UInt64(32), through: 320, by: 8)
  /// How much of a stack's upper end is searched for the structure's own address.
  private static let topOfStack: UInt64 = 2048

  /// The jump buffer's distance from the stack reference that most claims have; the nearer one if
  /// two are equal. Nil without claims.
  static func jumpBufferDistance(of claims: [CoroutineClaim]) -> UInt64? {
    var votes: [UInt64: Int] = [:]
    for claim in claims { votes[claim.jumpBufferDistance, default: 0] += 1 }
    return votes.min { ($1.value, $0.key) < ($0.value, $1.key) }?.key
  }

  /// The layout that most of `claims` fit, which all have the same jump buffer distance.
  func learn(from claims: [CoroutineClaim]) -> CoroutineLayout? {
    guard let distance = claims.first?.jumpBufferDistance else { return nil }
    var votes: [UInt64: Int] = [:]
    for claim in claims {
      let own = addressesOnStack(of: claim)
      for offset in Self.stackOffsets {
        let start = claim.reference.address &- offset
        // A pointer to the structure on its own stack says more than a code pointer at its start,
        // but both are said of the right offset only, up to accidents.
        var vote = own.contains(start.rawValue) ? 2 : 0
        if isCode(at: start) { vote += 1 }
        if vote > 0 { votes[offset, default: 0] += vote }
      }
    }
    let known = Set(CoroutineMembers.known.map(\.size))
    let best = votes.max {
      ($0.value, known.contains($0.key) ? 1 : 0, $1.key)
        < ($1.value, known.contains($1.key) ? 1 : 0, $0.key)
    }
    guard let offset = best?.key else { return nil }
    let starts = claims.map { $0.reference.address &- offset }
    return CoroutineLayout(
      stackOffset: offset, jumpBufferOffset: offset + distance,
      votes: starts.filter(isCode).count, total: claims.count,
      members: members(for: offset, starts: starts))
  }

  /// The known arrangement that fits: by size, and by most coroutines' empty wakeup queues, which
  /// point at themselves.
  private func members(for size: UInt64, starts: [VirtualAddress]) -> CoroutineMembers? {
    CoroutineMembers.known.first { members in
      members.size == size
        && 2 * starts.filter { isEmptyQueue(at: $0 &+ members.queueWakeup) }.count > starts.count
    }
  }

  func isEmptyQueue(at head: VirtualAddress) -> Bool {
    do throws(MemoryFault) {
      let first = try process.memory.word(at: head)
      let last = try process.memory.word(at: head &+ 8)
      return first == 0 && last == head.rawValue
    } catch {
      return false
    }
  }

  func isCode(at address: VirtualAddress) -> Bool {
    do throws(MemoryFault) {
      return process.isCode(try process.memory.word(at: address))
    } catch {
      return false
    }
  }

  /// The words near the upper end of the claim's stack that are addresses shortly before the stack
  /// reference, and so could be the structure's.
  private func addressesOnStack(of claim: CoroutineClaim) -> Set<UInt64> {
    var found: Set<UInt64> = []
    let reference = claim.reference.address.rawValue
    forEachTopWord(of: claim.reference.stack) { word, _ in
      if word < reference, reference - word <= 320 { found.insert(word) }
    }
    return found
  }

  /// How far from the stack's upper end the structure's own address lies there; nil if it doesn't.
  func distanceOfOwnAddress(_ start: VirtualAddress, on stack: CoroutineStack) -> UInt64? {
    var found: UInt64?
    forEachTopWord(of: stack) { word, distance in
      if word == start.rawValue, found == nil { found = distance }
    }
    return found
  }

  private func forEachTopWord(
    of stack: CoroutineStack, _ body: (_ word: UInt64, _ distance: UInt64) -> Void
  ) {
    var distance: UInt64 = 8
    while distance <= min(Self.topOfStack, stack.size) {
      do throws(MemoryFault) {
        body(try process.memory.word(at: stack.end &- distance), distance)
      } catch {
        return
      }
      distance += 8
    }
  }
}
