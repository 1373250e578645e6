internal import Bytes
internal import TimeTravel

// Whether a step stores to some memory, where QEMU's word isn't enough (`QEMUEngine.mayReportOtherStores`). The bytes
// are inverted first, so that any store shows, but for one of what it finds there: CMPXCHG that finds something else
// than it compares with stores just that. Such a step is told by watching. Before the memory a byte is watched as well,
// and QEMU, which names the last one set, names that one for all stores behind it that aren't aligned:
//
//     ┌────────┬─────────────────┐
//     │ 1 byte │ range in a page │
//     └────────┴─────────────────┘
//
// What it names the range for was an aligned store to it.

extension EngineCore {
  /// Whether the next step stores to `range`. The machine is of no use afterwards. Nil for what can't be
  /// written. Nothing may be watched unless `watching`.
  mutating func storesNext(
    to range: MemoryRange, watching: Bool
  ) throws(ReplayError) -> Bool? {
    guard case .virtual = range.start, range.count > 0,
      range.count <= StubClient.memoryLimit / 2, let before = try memory(range)
    else { return nil }
    let inverse = before.map { ~$0 }
    let digits = inverse.map { paddedHex($0, digits: 2) }.joined()
    guard try instance.stub.command("M\(Self.place(of: range)):\(digits)"),
      try memory(range) == inverse
    else { return nil }
    var isNamed = false
    if watching, try !mayTakeEntry() {
      isNamed = try stepNaming(range)
    } else {
      _ = try step()
    }
    let after = try memory(range)
    return isNamed || after != inverse
  }

  /// Replays a step in which `range` is watched, and tells whether QEMU names it and not the byte before.
  private mutating func stepNaming(_ range: MemoryRange) throws(ReplayError) -> Bool {
    let start = range.rawStart
    let offset = start % WatchLayout.pageSize
    guard offset > 0, range.count <= WatchLayout.pageSize - offset else {
      _ = try step()
      return false
    }
    let places = [Self.place(of: range), "\(String(start - 1, radix: 16)),1"]
    for place in places where !(try instance.stub.command("Z2,\(place)")) {
      throw .stub("it can't watch \(place)")
    }
    let stop = try singleStep(from: try stand())
    for place in places { _ = try instance.stub.command("z2,\(place)") }
    return stop.watched?.address == start
  }

  private static func place(of range: MemoryRange) -> String {
    "\(String(range.rawStart, radix: 16)),\(String(range.count, radix: 16))"
  }
}
