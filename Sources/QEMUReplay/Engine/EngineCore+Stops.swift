internal import Bytes
internal import TimeTravel

extension EngineCore {
  /// Throws `.unsupported` for what QEMU can't stop at, and then keeps none.
  mutating func setStops(_ wanted: StopSet) throws(ReplayError) {
    do throws(ReplayError) {
      for watchpoint in wanted.watchpoints {
        guard case .virtual = watchpoint.range.start else {
          throw .unsupported("watching physical addresses")
        }
      }
      for address in stops.breakpoints.subtracting(wanted.breakpoints) {
        try remove(breakpoint: address)
      }
      for address in wanted.breakpoints.subtracting(stops.breakpoints) {
        guard try instance.stub.command("Z0,\(String(address.rawValue, radix: 16)),1") else {
          throw .unsupported("a breakpoint at \(address)")
        }
        stops.breakpoints.insert(address)
      }
      if wanted.watchpoints != stops.watchpoints { try watch(wanted.watchpoints) }
    } catch {
      for address in stops.breakpoints { try remove(breakpoint: address) }
      try watch([])
      throw error
    }
  }

  private mutating func remove(breakpoint address: VirtualAddress) throws(ReplayError) {
    stops.breakpoints.remove(address)
    _ = try instance.stub.command("z0,\(String(address.rawValue, radix: 16)),1")
  }

  /// Has QEMU watch these and no others. Their order matters, so all are set anew.
  mutating func watch(_ wanted: Set<Watchpoint>) throws(ReplayError) {
    for watchpoint in layout.watchpoints { try send("z", watchpoint) }
    stops.watchpoints = []
    layout = WatchLayout(wanted, guarded: mayReportOtherStores)
    var refused: Watchpoint?
    for watchpoint in layout.watchpoints where try !send("Z", watchpoint) { refused = watchpoint }
    guard let refused else {
      stops.watchpoints = wanted
      return
    }
    throw .unsupported("watching \(refused.range)")
  }

  /// False if it is refused.
  @discardableResult
  private mutating func send(
    _ letter: String, _ watchpoint: Watchpoint
  ) throws(ReplayError) -> Bool {
    let kind =
      switch watchpoint.access {
      case .write: 2
      case .read: 3
      case .readOrWrite: 4
      }
    let range = watchpoint.range
    let place = "\(String(range.rawStart, radix: 16)),\(String(range.count, radix: 16))"
    return try instance.stub.command("\(letter)\(kind),\(place)")
  }
}
