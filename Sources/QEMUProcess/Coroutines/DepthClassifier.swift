import Bytes
import Unwinding

/// Tells created, ended and suspended coroutines apart where their stacks can't be unwound, because
/// neither the program's code nor its unwind table is at hand.
///
/// All stacks begin alike: with the trampoline's frame, below which lies the return address of
/// whatever the trampoline has called.
///
///     stack's end ─▶ │ … trampoline's frame … │ slot: return into the trampoline │ … ◀─ saved rsp
///
/// It calls the entry function, and when that has returned, the function that switches to another
/// coroutine: two calls, so two return addresses. Those who have ended were all left in the second
/// call, at one depth, which is the least of all. One that was never entered was left in the
/// trampoline itself: its saved stack pointer is that of the trampoline's frame, next to the slot.
struct DepthClassifier: Sendable {
  let process: HostProcess

  /// How far from the stacks' ends the slot is looked for, in bytes.
  private static let reach: UInt64 = 512
  /// Conclusions from fewer stacks would rest on chance.
  private static let fewest = 4

  /// Sets the states of those coroutines of which nothing else is known.
  func classify(_ coroutines: inout [Coroutine]) {
    let indices = coroutines.indices.filter {
      coroutines[$0].state == .inactive && isReadable(coroutines[$0])
    }
    let open = indices.map { coroutines[$0] }
    guard open.count >= Self.fewest, let slot = slotDistance(open) else { return }
    var byLanding: [UInt64: [Int]] = [:]
    for index in indices {
      guard let landing = word(at: coroutines[index].stack.end &- slot) else { continue }
      if depth(coroutines[index]) == slot - 8 {
        coroutines[index].state = .created
      } else {
        byLanding[landing, default: []].append(index)
      }
    }
    let classes = byLanding.values.map { members in
      (members: members, depths: Set(members.map { depth(coroutines[$0]) }))
    }.sorted { ($0.depths.min() ?? 0) < ($1.depths.min() ?? 0) }
    // With one return address only it isn't known which of the two it is, unless depths differ.
    guard let shallowest = classes.first, classes.count == 2 || shallowest.depths.count > 1
    else { return }
    for (members, depths) in classes {
      let isEnded = classes.count == 2 && depths == shallowest.depths && depths.count == 1
      for index in members { coroutines[index].state = isEnded ? .terminated : .suspended }
    }
    for index in indices where coroutines[index].state != .inactive {
      coroutines[index].evidence.append(.stackDepth)
    }
  }

  private func pointer(_ coroutine: Coroutine) -> UInt64 {
    coroutine.registers[process.architecture.stackPointer] ?? 0
  }

  private func counter(_ coroutine: Coroutine) -> UInt64 {
    coroutine.registers[process.architecture.programCounter] ?? 0
  }

  private func depth(_ coroutine: Coroutine) -> UInt64 {
    coroutine.stack.end.rawValue &- pointer(coroutine)
  }

  private func isReadable(_ coroutine: Coroutine) -> Bool {
    word(at: coroutine.stack.end &- 8) != nil
  }

  /// The least distance from the stacks' ends at which all have return addresses of one small
  /// function.
  private func slotDistance(_ coroutines: [Coroutine]) -> UInt64? {
    stride(from: UInt64(8), through: Self.reach, by: 8).first { distance in
      let words = coroutines.map { word(at: $0.stack.end &- distance) ?? 0 }
      // In the program: the C library's start of a context is on all stacks, too.
      guard let first = words.first, let home = coroutines.first.map(counter),
        let program = process.mapping(containing: VirtualAddress(home))
      else { return false }
      return words.allSatisfy { program.contains($0) && ClaimReader.isNear($0, first) }
    }
  }

  private func word(at address: VirtualAddress) -> UInt64? {
    do throws(MemoryFault) {
      return try process.memory.word(at: address)
    } catch {
      // Not in the dump.
      return nil
    }
  }
}
