import Bytes

/// A stack reference that is followed by a jump buffer which fits it: one structure's claim to be
/// the coroutine of that stack.
struct CoroutineClaim: Hashable, Sendable {
  let reference: StackReference
  /// From the stack reference to the jump buffer, in bytes.
  let jumpBufferDistance: UInt64
  /// Demangled.
  let stackPointer: UInt64
  let programCounter: UInt64

  var jumpBuffer: VirtualAddress { reference.address &+ jumpBufferDistance }
}

/// Reads claims with one format and one pointer guard.
struct ClaimReader: Sendable {
  let process: HostProcess
  let format: JumpBufferFormat
  let guardValue: UInt64

  /// How far behind the stack reference the jump buffer may begin. `stack_size` alone stands
  /// between in most builds; SafeStack's stack and size, too, where that is used
  /// (util/coroutine-ucontext.c, util/coroutine-sigaltstack.c).
  static let distances = stride(from: UInt64(16), through: 144, by: 8)

  /// The words that follow `reference` as far as memory goes, from the first distance on.
  static func words(
    after reference: StackReference, format: JumpBufferFormat, memory: some Memory
  ) -> [UInt64] {
    let first = reference.address &+ 16
    var words: [UInt64] = []
    do throws(MemoryFault) {
      while words.count < (144 - 16) / 8 + format.wordCount {
        words.append(try memory.word(at: first &+ UInt64(words.count) * 8))
      }
    } catch {
      // The region ends: fewer words.
    }
    return words
  }

  /// The claims of `reference`, one for each distance at which a jump buffer fits: more than one
  /// only by accident.
  func claims(of reference: StackReference) -> [CoroutineClaim] {
    let words = Self.words(after: reference, format: format, memory: process.memory)
    return Self.distances.compactMap { distance in
      let start = Int(distance - 16) / 8
      guard start + format.wordCount <= words.count else { return nil }
      let pointer = format.demangled(
        words[start + format.stackPointerSlot], guardedBy: guardValue)
      guard pointer & 7 == 0, reference.stack.contains(VirtualAddress(pointer)) else { return nil }
      let counter = format.demangled(
        words[start + format.programCounterSlot], guardedBy: guardValue)
      guard process.isCode(counter) else { return nil }
      return CoroutineClaim(
        reference: reference, jumpBufferDistance: distance, stackPointer: pointer,
        programCounter: counter)
    }
  }

  /// Whether the word below the saved stack pointer is the return address that `siglongjmp`'s call
  /// pushed: QEMU calls it right after `sigsetjmp`, in the same function and from the same depth
  /// (`qemu_coroutine_switch`, `coroutine_trampoline`). Nil if that word isn't in the dump.
  func switchIsOnStack(_ claim: CoroutineClaim) -> Bool? {
    // On AArch64 the return address of a call isn't pushed, so nothing can be said.
    guard process.architecture == .x86_64 else { return nil }
    do throws(MemoryFault) {
      let word = try process.memory.word(at: VirtualAddress(claim.stackPointer) &- 8)
      return Self.isNear(word, claim.programCounter)
    } catch {
      return nil
    }
  }

  /// Whether two code addresses may belong to the same small function.
  static func isNear(_ left: UInt64, _ right: UInt64) -> Bool {
    (left > right ? left - right : right - left) < 0x200
  }
}
