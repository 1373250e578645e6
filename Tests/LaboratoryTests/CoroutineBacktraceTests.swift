import Testing
import Varve

/// Each coroutine's stack is what QEMU's own `qemu coroutine` command printed for the same process
/// while it was stopped, down to the function that every coroutine begins in. Below that, gdb walks
/// on into the words that `makecontext` left there.
@Suite("Coroutines' backtraces are QEMU's", .enabled(if: Laboratory.isThere))
struct CoroutineBacktraceTests {
  private static let subjects = Laboratory.compared.filter { $0.truth["gdb_coroutines"] != nil }
  private static let outermost = ["coroutine_trampoline", "coroutine_bootstrap"]

  /// The frame lines of each coroutine, by its address.
  private func stacks(_ text: String) -> [String: [Substring]] {
    var stacks: [String: [Substring]] = [:]
    var current: String?
    var isOver = false
    for line in text.split(separator: "\n") {
      if line.hasPrefix("Coroutine ") {
        let address = line.split(separator: " ").first { $0.hasPrefix("0x") }
        current = address.map { String($0.prefix { $0 != ":" }) }
        isOver = false
      } else if line.hasPrefix("#"), let current, !isOver {
        stacks[current, default: []].append(line)
        isOver = Self.outermost.contains {
          line.contains(" \($0) (") || line.contains(" in \($0) ")
        }
      }
    }
    return stacks
  }

  @Test(arguments: subjects)
  func equalToQEMUsOwnCommand(_ subject: Laboratory.Subject) throws {
    let theirs = stacks(try #require(try subject.answer("gdb_coroutines")))
    let dump = try CoreDump(opening: try #require(subject.core), places: subject.places)
    let report = try dump.backtraces(.first(coroutines: true), options: StackOptions())
    // Every coroutine that QEMU's own trace saw being entered.
    let seen = try #require(try subject.answer("coroutines"))
    var compared = 0
    for coroutine in report.coroutines {
      guard let lines = theirs[coroutine.address] else {
        // gdb was asked about the stacks among the mappings; the kernel joins a stack with what
        // happens to be mapped above it, so some weren't on that list. QEMU's trace knows them.
        #expect(seen.contains("\"\(coroutine.address)\""), "\(coroutine.address) was invented")
        continue
      }
      compared += 1
      let own = (stacks(coroutine.text(.plain))[coroutine.address] ?? []).map(PrintedStacks.frame)
      let expected = lines.map(PrintedStacks.frame)
      let title = Comment(rawValue: "\(subject.name): \(coroutine.address), \(coroutine.state)")
      #expect(own.map(\.?.place) == expected.map(\.?.place), title)
      for (own, expected) in zip(own, expected) {
        guard let own, let expected else { continue }
        #expect(own.arguments.map(\.name) == expected.arguments.map(\.name), title)
        for (own, expected) in zip(own.arguments, expected.arguments) {
          #expect(says(own.value, atLeast: expected.value), title)
        }
      }
    }
    #expect(compared > 20)
  }

  /// Whether `own` is `expected`, or more is known: a value that gdb lost, or the one on entry, which
  /// gdb doesn't look for in every frame of a coroutine (`w=0x10` rather than `w=w@entry=0x10`).
  private func says(_ own: String, atLeast expected: String) -> Bool {
    own == expected || expected == "<optimized out>"
      || own.components(separatedBy: "@entry=").last == expected
  }
}

extension FrameLine {
  /// Everything but the variables.
  fileprivate var place: [String] {
    [address.map { String($0, radix: 16) } ?? "", function, location ?? "", library ?? ""]
  }
}
