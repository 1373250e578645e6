internal import Bytes

/// When the CPU took interrupts and exceptions, by counts of instructions, in order.
struct EntryMoments: Hashable, Sendable {
  var interrupts: [UInt64] = []
  /// An exception that stops an instruction halfway comes at the count of the instruction; one that the
  /// instruction is for, as INT, at the count behind it.
  var exceptions: [UInt64] = []

  func hasInterrupt(at count: UInt64) -> Bool { Self.first(in: interrupts, from: count) == count }

  func hasException(at count: UInt64) -> Bool { Self.first(in: exceptions, from: count) == count }

  /// The first count from `count` on from which a step may take an interrupt or exception.
  func nextStep(from count: UInt64) -> UInt64? {
    let (behind, overflow) = count.addingReportingOverflow(1)
    let counts = [
      Self.first(in: interrupts, from: count), Self.first(in: exceptions, from: count),
      overflow ? nil : Self.first(in: exceptions, from: behind).map { $0 - 1 },
    ]
    return counts.compactMap(\.self).min()
  }

  private static func first(in counts: [UInt64], from count: UInt64) -> UInt64? {
    let index = partition(counts.count) { counts[$0] < count }
    return index < counts.count ? counts[index] : nil
  }
}
