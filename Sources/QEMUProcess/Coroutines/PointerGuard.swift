import Bytes

/// The secret that glibc combines the pointers in a jump buffer with.
public struct PointerGuard: Hashable, Sendable {
  public let value: UInt64
  public let source: Source

  public enum Source: Hashable, Sendable {
    /// So many threads hold it in their control block; `others` threads hold something else.
    case threadControlBlocks(agreeing: Int, others: Int)
    /// It stands in the named variable.
    case variable(String)
    /// It follows from `stacks` saved contexts: it alone turns each of them into a stack pointer
    /// whose stack holds a return address that fits.
    case recovered(stacks: Int)
    /// The C library doesn't mangle pointers.
    case notNeeded
  }

  public init(value: UInt64, source: Source) {
    self.value = value
    self.source = source
  }
}

extension PointerGuard: CustomStringConvertible {
  public var description: String {
    switch source {
    case .threadControlBlocks(let agreeing, 0):
      "pointer guard from the control blocks of \(agreeing) threads"
    case .threadControlBlocks(let agreeing, let others):
      "pointer guard from the control blocks of \(agreeing) threads, against \(others)"
    case .variable(let name): "pointer guard from \(name)"
    case .recovered(let stacks): "pointer guard worked out from \(stacks) saved contexts"
    case .notNeeded: "no pointer guard"
    }
  }
}

extension PointerGuard {
  /// Reads the guard that `format` asks for from the threads' control blocks, or from the variable
  /// at the address that `variable` gives for a name.
  ///
  /// - Returns: the guard, or nil if it can't be read or the threads don't agree by majority; and
  ///   what the analyst should know about it.
  static func read(
    for format: JumpBufferFormat, in process: HostProcess,
    variable: (String) -> VirtualAddress? = { _ in nil }
  ) -> (guardValue: PointerGuard?, diagnostics: [String]) {
    switch format.guardLocation {
    case .notMangled: return (PointerGuard(value: 0, source: .notNeeded), [])
    case .threadControlBlock(let offset): return fromControlBlocks(at: offset, in: process)
    case .variable(let name, let linkerName):
      for candidate in [name, linkerName] {
        guard let address = variable(candidate) else { continue }
        do throws(MemoryFault) {
          let value = try process.memory.word(at: address)
          return (PointerGuard(value: value, source: .variable(candidate)), [])
        } catch {
          return (nil, ["\(candidate): \(error)"])
        }
      }
      return (nil, ["no symbol \(name) tells where the pointer guard is"])
    }
  }

  private static func fromControlBlocks(
    at offset: UInt64, in process: HostProcess
  ) -> (guardValue: PointerGuard?, diagnostics: [String]) {
    var holders: [UInt64: [Int32]] = [:]
    var diagnostics: [String] = []
    for thread in process.threads {
      guard let pointer = thread.threadPointer, pointer.rawValue != 0 else {
        diagnostics.append("thread \(thread.id): no thread pointer, so no pointer guard")
        continue
      }
      do throws(MemoryFault) {
        holders[try process.memory.word(at: pointer &+ offset), default: []].append(thread.id)
      } catch {
        diagnostics.append("thread \(thread.id): its pointer guard: \(error)")
      }
    }
    // A thread that is only just being made may still have 0.
    if let unset = holders.removeValue(forKey: 0) {
      diagnostics.append("pointer guard 0 in \(threadList(unset))")
    }
    let ranked = holders.sorted { ($0.value.count, $1.key) > ($1.value.count, $0.key) }
    guard let best = ranked.first else { return (nil, diagnostics) }
    for other in ranked.dropFirst() {
      diagnostics.append("another pointer guard than the majority's in \(threadList(other.value))")
    }
    let others = ranked.dropFirst().reduce(0) { $0 + $1.value.count }
    guard best.value.count > others else { return (nil, diagnostics) }
    return (
      PointerGuard(
        value: best.key,
        source: .threadControlBlocks(agreeing: best.value.count, others: others)), diagnostics
    )
  }

  private static func threadList(_ ids: [Int32]) -> String {
    (ids.count == 1 ? "thread " : "threads ") + ids.map(String.init).joined(separator: ", ")
  }
}
