import Bytes

/// How QEMU was built to switch coroutines.
public enum CoroutineBackend: String, Hashable, Sendable {
  /// `makecontext` for the first entry (util/coroutine-ucontext.c).
  case ucontext
  /// A signal handler on an alternate stack for the first entry (util/coroutine-sigaltstack.c).
  case sigaltstack
}

extension CoroutineBackend {
  /// The backend, by what the first entry left at the stacks' upper ends: a signal frame records
  /// the alternate stack it lies on. Nil without coroutines.
  ///
  ///     … │ ss_sp = base │ ss_flags │ ss_size = size │ …     (`uc_stack` in the signal's ucontext)
  init?(of coroutines: [Coroutine], in process: HostProcess) {
    guard !coroutines.isEmpty else { return nil }
    let signalled = coroutines.count { Self.hasSignalFrame($0.stack, process) }
    self = 2 * signalled > coroutines.count ? .sigaltstack : .ucontext
  }

  /// How much of a stack a signal frame takes at most: 2 KiB and the extended registers, which may
  /// be 11 KiB (AMX).
  private static let searched: UInt64 = 16 << 10

  private static func hasSignalFrame(_ stack: CoroutineStack, _ process: HostProcess) -> Bool {
    var address = stack.end &- min(searched, stack.end.rawValue - stack.usableStart.rawValue)
    while address &+ 24 <= stack.end {
      do throws(MemoryFault) {
        if try process.memory.word(at: address) == stack.base.rawValue {
          let size = try process.memory.word(at: address &+ 16)
          if size == stack.size { return true }
        }
      } catch {
        // Not in the dump; the rest of the page neither.
      }
      address = address &+ 8
    }
    return false
  }
}
