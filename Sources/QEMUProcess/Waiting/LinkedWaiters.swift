import Bytes
import Unwinding

/// Finds the locks and queues that coroutines wait in from the waiting coroutines' own stacks,
/// without debug information.
///
/// A coroutine that waits has the address of what it waits in on its stack or in its saved
/// registers, as an argument of `qemu_co_queue_wait_impl` or `qemu_co_mutex_lock_slowpath`
/// (util/qemu-coroutine-lock.c), and is itself linked into what lies there. An address that is left
/// over from an earlier wait isn't linked to the coroutine any more, so nothing false is found:
///
///     CoQueue            0 first ──▶ Coroutine ──co_queue_next──▶ … ──▶ 0
///                        8 last  ──▶ the last one's co_queue_next
///
///     CoMutex            0 locked (32 bits)   8 ctx   16 from_push   24 to_pop
///                       32 handoff (32 bits)  36 sequence (32 bits)  40 holder
///     CoWaitRecord       0 co   8 next       (on the stack of the coroutine `co`)
///
///     CoRwlock           0 mutex   48 owners (32 bits)   56 first ticket   64 last ticket's next
///     CoRwTicket         0 read (8 bits)   8 co   16 next   (on the stack of the coroutine `co`)
///
/// (include/qemu/coroutine.h: the first two unchanged from 2.9 to 10.1, CoRwlock since 6.0; before,
/// its waiters were in a CoQueue.)
struct LinkedWaiters {
  let process: HostProcess
  let coroutines: [VirtualAddress: Coroutine]
  let queueNext: UInt64

  /// How much of a stack, from its innermost frame, is looked at for addresses: the wait functions'
  /// frames and their caller's.
  private static let depth: UInt64 = 1024
  /// More waiters than any lock has.
  private static let listLimit = 1 << 16

  enum Place: Hashable {
    case queue(VirtualAddress)
    /// With its holder, which is nil while the lock is being handed over.
    case mutex(VirtualAddress, holder: VirtualAddress?)
    /// With its number of readers, or -1 if a writer holds it.
    case readWriteLock(VirtualAddress, owners: Int32)
  }

  /// What `coroutine` is linked into.
  func places(of coroutine: Coroutine) -> [Place] {
    var found: [Place] = []
    var seen: Set<UInt64> = []
    for candidate in candidates(of: coroutine) where seen.insert(candidate).inserted {
      let address = VirtualAddress(candidate)
      if queue(at: address, holds: coroutine.address) {
        found.append(.queue(address))
      } else if let holder = mutex(at: address, isWaitedForBy: coroutine) {
        found.append(.mutex(address, holder: holder))
      } else if let owners = readWriteLock(at: address, isWaitedForBy: coroutine) {
        found.append(.readWriteLock(address, owners: owners))
      }
    }
    return found
  }

  /// The aligned addresses of writable memory among the saved registers and the innermost frames.
  private func candidates(of coroutine: Coroutine) -> [UInt64] {
    var words: [UInt64] = []
    for number in 0..<UInt16(RegisterState.capacity) {
      if let value = coroutine.registers[RegisterNumber(number)] { words.append(value) }
    }
    if let pointer = coroutine.registers[process.architecture.stackPointer] {
      var address = VirtualAddress(pointer & ~7)
      let end = min(coroutine.stack.end, address &+ Self.depth)
      while address < end {
        if let word = word(at: address) { words.append(word) }
        address = address &+ 8
      }
    }
    return words.filter { $0 & 7 == 0 && $0 != 0 && process.isWritable($0) }
  }

  /// Whether a well-formed queue at `head` contains the coroutine.
  private func queue(at head: VirtualAddress, holds coroutine: VirtualAddress) -> Bool {
    guard let first = word(at: head), first != 0, let last = word(at: head &+ 8), last != 0 else {
      return false
    }
    var next = first
    var isMember = false
    var seen: Set<UInt64> = []
    while next != 0 {
      // Everyone in the queue is a coroutine that was found.
      guard coroutines[VirtualAddress(next)] != nil, seen.insert(next).inserted else {
        return false
      }
      if next == coroutine.rawValue { isMember = true }
      let link = next &+ queueNext
      guard let following = word(at: VirtualAddress(link)) else { return false }
      if following == 0, link != last { return false }
      next = following
    }
    return isMember
  }

  /// The holder of a lock at `address` for which `coroutine` waits by a record on its own stack;
  /// nil if there is no such lock, `.some(nil)` if it has no holder right now.
  private func mutex(
    at address: VirtualAddress, isWaitedForBy coroutine: Coroutine
  ) -> VirtualAddress?? {
    // A waiter counts in `locked`, so with a holder it is at least 2; while the lock is handed over,
    // at least 1.
    guard let locked = word(at: address).map({ $0 & 0xffff_ffff }), locked >= 1,
      locked <= UInt64(Self.listLimit), let holder = word(at: address &+ 40)
    else { return nil }
    guard holder == 0 || (coroutines[VirtualAddress(holder)] != nil && locked >= 2) else {
      return nil
    }
    for list in [UInt64(16), 24]
    where records(from: address &+ list).contains(where: { record in
      coroutine.stack.contains(record.address) && record.coroutine == coroutine.address
    }) {
      return .some(holder == 0 ? nil : VirtualAddress(holder))
    }
    return nil
  }

  /// How often the lock at `address` is held, if `coroutine` waits for it by a ticket on its own
  /// stack; nil if it doesn't.
  private func readWriteLock(
    at address: VirtualAddress, isWaitedForBy coroutine: Coroutine
  ) -> Int32? {
    guard let owners = word(at: address &+ 48).map({ Int32(truncatingIfNeeded: $0) }),
      owners >= -1, owners <= Int32(Self.listLimit), var next = word(at: address &+ 56), next != 0,
      let last = word(at: address &+ 64)
    else { return nil }
    var isWaiter = false
    var seen: Set<UInt64> = []
    while next != 0 {
      let ticket = VirtualAddress(next)
      guard seen.insert(next).inserted, let waiter = word(at: ticket &+ 8),
        let owner = coroutines[VirtualAddress(waiter)], owner.stack.contains(ticket),
        let following = word(at: ticket &+ 16), following != 0 || last == next &+ 16
      else { return nil }
      if waiter == coroutine.address.rawValue { isWaiter = true }
      next = following
    }
    return isWaiter ? owners : nil
  }

  /// The wait records of the list whose head is at `head`; none if it is no such list.
  private func records(
    from head: VirtualAddress
  ) -> [(address: VirtualAddress, coroutine: VirtualAddress)] {
    var records: [(address: VirtualAddress, coroutine: VirtualAddress)] = []
    var seen: Set<UInt64> = []
    var next = word(at: head) ?? 0
    while next != 0 {
      guard seen.insert(next).inserted, records.count < Self.listLimit,
        let waiter = word(at: VirtualAddress(next)),
        let owner = coroutines[VirtualAddress(waiter)], owner.stack.contains(VirtualAddress(next)),
        let following = word(at: VirtualAddress(next) &+ 8)
      else { return [] }
      records.append((VirtualAddress(next), VirtualAddress(waiter)))
      next = following
    }
    return records
  }

  private func word(at address: VirtualAddress) -> UInt64? {
    do throws(MemoryFault) {
      return try process.memory.word(at: address)
    } catch {
      // Not in the dump: it can't be what was looked for.
      return nil
    }
  }
}
