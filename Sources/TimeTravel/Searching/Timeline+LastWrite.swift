internal import Bytes

// Stretch by stretch back from the position: is there a store to the address, and did memory differ where the
// stretch begins? What no store explains is found by halving the way between two moments at which memory
// differs.

extension Timeline {
  /// Which step before the position wrote to `range` last. The position stays.
  ///
  /// A virtual range stands for the memory that it means at the position, where the engine can tell that:
  /// stores of other processes to the same address don't count, and stores through other addresses of that
  /// memory do. Throws `.interrupted`, `.unreadable` for physical memory that isn't there, and
  /// `.unsupported` for more than 64 KiB.
  public func lastWrite(to range: MemoryRange) async throws(TimelineError) -> LastWrite {
    guard let pieces = WriteSearch.split(range) else {
      throw .unsupported("searching for writes to \(range)")
    }
    return try await request { () async throws(Setback) -> LastWrite in
      let kept = self.trace
      defer { self.setTrace(kept) }
      try await self.bringToPosition()
      var search = try await self.writeSearch(range, pieces)
      try await self.watchEverywhere(&search)
      return try await self.findLastWrite(&search)
    }
  }

  private func writeSearch(
    _ range: MemoryRange, _ pieces: [MemoryRange]
  ) async throws(Setback) -> WriteSearch {
    var located: [WriteSearch.Piece] = []
    for piece in pieces {
      located.append(.init(range: piece, physical: try await physicalAddress(piece)))
    }
    // All or none, so that it can be told what the comparison means.
    if !located.allSatisfy({ $0.physical != nil }) {
      located = pieces.map { .init(range: $0, physical: nil) }
    }
    let wanted = try await contents(of: located)
    if case .physical = range.start, wanted == nil { throw .failed(.unreadable(range)) }
    return WriteSearch(range, located, wanted: wanted)
  }

  /// Where a range begins in physical memory; nil if it is mapped nowhere, or the engine can't tell.
  private func physicalAddress(
    _ range: MemoryRange
  ) async throws(Setback) -> PhysicalAddress? {
    switch range.start {
    case .physical(let address): return address
    case .virtual(let address):
      return try await askIfSupported { engine throws(EngineError) in
        try await engine.physicalAddress(of: address)
      }
    }
  }

  /// Has stores watched through all addresses that mean the memory where the engine stands, as far as it can
  /// tell, and through the one that means it while the machine has no page tables, or the first ones of a boot.
  private func watchEverywhere(_ search: inout WriteSearch) async throws(Setback) {
    for piece in search.pieces {
      guard let physical = piece.physical else { continue }
      let addresses = try await askIfSupported { engine throws(EngineError) in
        try await engine.virtualAddresses(of: physical)
      }
      guard let addresses else { continue }
      for address in addresses { search.watch(piece, through: address) }
      search.watch(piece, through: VirtualAddress(physical.rawValue))
    }
  }

  /// What `body` gives; nil if the engine can't do it.
  private func askIfSupported<Answer: Sendable>(
    _ body: (Engine) async throws(EngineError) -> Answer?
  ) async throws(Setback) -> Answer? {
    try await ask { engine throws(EngineError) -> Answer? in
      do throws(EngineError) {
        return try await body(engine)
      } catch {
        if case .unsupported = error { return nil }
        throw error
      }
    }
  }

  private func contents(of pieces: [WriteSearch.Piece]) async throws(Setback) -> [UInt8]? {
    var bytes: [UInt8] = []
    for piece in pieces {
      guard let contents = try await contents(of: piece.compared) else { return nil }
      bytes += contents
    }
    return bytes
  }

  // MARK: Stretches

  private func findLastWrite(_ search: inout WriteSearch) async throws(Setback) -> LastWrite {
    var bound = SearchBound(current)
    // The earliest place from which on nothing is left to be found.
    var upper = current
    while bound.moment > recorded.lowerBound || !bound.isFirst {
      let latest = bound.isFirst ? bound.moment.earlier(by: 1) : bound.moment
      let start = catalogue.last(atOrBefore: latest)?.moment ?? recorded.lowerBound
      try await bring(to: start)
      let first = try await placeHere()
      let contents = try await contents(of: search.pieces)
      if let hit = try await lastStore(&search, before: bound, from: start),
        hit.stop.moment > start || (hit.stop.moment == start && !hit.stop.isSame(as: first))
      {
        return try await judge(hit, &search, before: upper)
      }
      if search.wanted != nil {
        guard contents == search.wanted else {
          return try await findChange(&search, after: first, contents, upTo: upper)
        }
        search.agreements.append(start)
      }
      upper = first
      bound = .first(of: start)
    }
    return finding(.nothing, search)
  }

  /// The last store to the memory in question before `bound`. It may be one before `start`.
  private func lastStore(
    _ search: inout WriteSearch, before bound: SearchBound, from start: Moment
  ) async throws(Setback) -> Hit? {
    while true {
      guard let hit = try await findLastReal(before: bound, search.stores(engine), from: start),
        let index = search.alias(hit)
      else { return nil }
      let alias = search.aliases[index]
      if alias.isConditional || alias.physical == nil { return hit }
      try await bring(to: hit.stop)
      if try await physicalAddress(alias.range) == alias.physical { return hit }
      search.makeConditional(index)
    }
  }

  /// Whether the store at `hit` explains what memory holds.
  private func judge(
    _ hit: Hit, _ search: inout WriteSearch, before upper: Place
  ) async throws(Setback) -> LastWrite {
    let place = try await landing(on: hit)
    try await bring(to: hit.stop)
    let after = try await contents(of: search.pieces)
    if search.wanted != nil, after != search.wanted {
      return try await findChange(&search, after: hit.stop, after, upTo: upper)
    }
    try await bring(to: place)
    let record = AccessRecord(
      place, to: hit.stop, before: try await contents(of: search.pieces), after: after)
    let address = search.alias(hit).map { search.aliases[$0].address } ?? VirtualAddress(0)
    return finding(
      search.wanted == nil
        ? .storeToUnreadable(record, through: address) : .store(record, through: address), search)
  }

  // MARK: Changes

  /// The step in which memory becomes what is wanted, between `low`, where it is `contents`, and `high`, where
  /// it is what is wanted.
  private func findChange(
    _ search: inout WriteSearch, after low: Place, _ contents: [UInt8]?, upTo high: Place
  ) async throws(Setback) -> LastWrite {
    var low = low
    var high = high
    var former = contents
    while low.moment.distance(to: high.moment) > 1 {
      try await bring(to: low.moment.later(by: low.moment.distance(to: high.moment) / 2))
      let middle = try await placeHere()
      let contents = try await self.contents(of: search.pieces)
      if contents == search.wanted {
        search.agreements.append(middle.moment)
        high = middle
      } else {
        (low, former) = (middle, contents)
      }
    }
    let record = try await stepOfChange(search, after: low, former, upTo: high)
    if let address = try await addressOfStore(by: record, search) {
      return finding(.earlierMapping(record, through: address), search)
    }
    return finding(.change(record, by: search.culprit), search)
  }

  /// The address through which the step at `record` stored, if that was mapped only then.
  private func addressOfStore(
    by record: AccessRecord, _ search: WriteSearch
  ) async throws(Setback) -> VirtualAddress? {
    try await bring(to: record.place)
    var there = WriteSearch(search.range, search.pieces, wanted: search.wanted)
    try await watchEverywhere(&there)
    let known = Set(search.aliases.map(\.range))
    let unknown = there.aliases.filter { !known.contains($0.range) }
    guard !unknown.isEmpty else { return nil }
    let watchpoints = unknown.map { Watchpoint($0.range, access: .write) }
    try await apply(StopSet(watchpoints: Set(watchpoints)))
    let stop = try await stepEngine()
    guard let access = stop.access else { return nil }
    return unknown.first { $0.range == access.range }?.address
  }

  /// The same, state by state.
  private func stepOfChange(
    _ search: WriteSearch, after low: Place, _ former: [UInt8]?, upTo high: Place
  ) async throws(Setback) -> AccessRecord {
    try await bring(to: low)
    try await apply(.none)
    var place = low
    var before = former
    for _ in 0..<stepLimit where !place.isSame(as: high) {
      _ = try await stepEngine()
      let next = try await placeHere()
      let after = try await contents(of: search.pieces)
      if after == search.wanted {
        return AccessRecord(place, to: next, before: before, after: after)
      }
      (place, before) = (next, after)
    }
    // What a device does at a moment can come before or after one looks there: what was seen first counts.
    return AccessRecord(low, to: nil, before: former, after: search.wanted)
  }

  private func finding(_ finding: LastWrite.Finding, _ search: WriteSearch) -> LastWrite {
    var result = LastWrite(
      finding: finding, watched: search.aliases.map(\.range), comparisons: 0, unwatchedMoments: 0)
    let since = result.record?.moment ?? recorded.lowerBound
    result.comparisons = Set(search.agreements).count { $0 > since }
    guard !search.aliases.isEmpty else { return result }
    result.unwatchedMoments = untoldMoments.count { $0 > since && $0 < current.moment }
    return result
  }
}

extension AccessRecord {
  /// Of the step from `place` to `next`.
  fileprivate init(_ place: Place, to next: Place?, before: [UInt8]?, after: [UInt8]?) {
    self.init(
      moment: place.moment, registers: place.registers, before: before, after: after,
      isEntry: next?.moment == place.moment)
  }

  fileprivate var place: Place { Place(moment: moment, registers: registers, isFirst: false) }
}
