import LinuxGuest
import Testing

@testable import LinuxGuest

@Suite struct TaskStateTests {
  /// As `__task_state_index` has it, in the kernels' own values.
  @Test(arguments: [
    (0x0, 0x0, "R"), (0x1, 0x0, "S"), (0x2, 0x0, "D"), (0x102, 0x0, "D"), (0x101, 0x0, "S"),
    (0x4, 0x0, "T"), (0x104, 0x0, "T"), (0x8, 0x0, "t"), (0x80, 0x10, "X"), (0x80, 0x20, "Z"),
    (0x40, 0x0, "P"), (0x402, 0x0, "I"), (0x200, 0x0, "R"), (0x800, 0x0, "R"), (0x1000, 0x0, "D"),
    (0x8000, 0x0, "D"), (0x2001, 0x0, "S"), (0x80, 0x0, "R"), (0x402, 0x20, "I"),
  ]) func lettersAreTheKernels(_ state: UInt64, _ exitState: UInt64, _ letter: String) {
    #expect(String(TaskState(state: state, exitState: exitState).rawValue) == letter)
  }

  /// `cputime_adjust`: what was measured, split as the ticks are, never less than was shown.
  @Test(arguments: [
    (user: 3, system: 1, total: 8, shown: (0, 0), expected: (6, 2)),
    (user: 0, system: 4, total: 8, shown: (0, 0), expected: (0, 8)),
    (user: 4, system: 0, total: 8, shown: (0, 0), expected: (8, 0)),
    (user: 0, system: 0, total: 8, shown: (0, 0), expected: (8, 0)),
    (user: 3, system: 1, total: 8, shown: (9, 1), expected: (9, 1)),
    (user: 3, system: 1, total: 8, shown: (1, 5), expected: (3, 5)),
    (user: 1, system: 7, total: 8, shown: (3, 0), expected: (3, 5)),
    (user: .max, system: .max, total: .max, shown: (0, 0), expected: (0, .max)),
    (user: 1, system: 1, total: 8, shown: (.max, .max), expected: (.max, .max)),
  ])
  func timesAreTheKernels(
    _ row: (
      user: UInt64, system: UInt64, total: UInt64, shown: (UInt64, UInt64),
      expected: (UInt64, UInt64)
    )
  ) {
    let times = CPUTimes(
      user: row.user, system: row.system, total: row.total, shownUser: row.shown.0,
      shownSystem: row.shown.1
    ).adjusted
    #expect(times == row.expected)
  }
}
