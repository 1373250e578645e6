import Bytes
import Testing
import TimeTravel

/// Writes that a watchpoint doesn't see: by devices, by other addresses of the same memory, and to other memory by
/// the same address. What the timeline finds is held against every state of the recording.
struct LastWriteTests {
  /// What the oracle knows of the memory that a range means at one state.
  private struct Truth {
    let oracle: Oracle
    /// Physical addresses.
    let places: [Int]
    let origin: Int
    /// Through which virtual addresses stores were watched.
    let watched: [MemoryRange]

    init(_ oracle: Oracle, _ range: MemoryRange, at origin: Int, watched: [MemoryRange]) {
      self.oracle = oracle
      self.origin = origin
      self.watched = watched
      let machine = oracle.states[origin].machine
      let addresses = range.rawStart..<range.rawStart + range.count
      if case .virtual = range.start {
        places = addresses.compactMap { machine.physical($0) }
      } else {
        places = addresses.map { Int($0) }
      }
    }

    func contents(_ index: Int) -> [UInt8] {
      places.map { oracle.states[index].machine.memory[$0] }
    }

    /// The watched addresses through which the step from `index` stores to the memory.
    func stores(_ index: Int, watching ranges: [MemoryRange]? = nil) -> [VirtualAddress] {
      (ranges ?? watched).compactMap { range in
        guard case .virtual(let start) = range.start else { return nil }
        let stores = oracle.states[index].accesses.contains { access in
          guard access.isWrite, access.address >= start.rawValue,
            access.address - start.rawValue < range.count
          else { return false }
          let place = oracle.states[index + 1].machine.physical(access.address)
          return place == places[Int(access.address - start.rawValue)]
        }
        return stores ? start : nil
      }
    }

    /// The last step before the origin that stores.
    var lastStore: Int? { (0..<origin).last { !stores($0).isEmpty } }

    /// The last step before the origin that changes the memory.
    var lastChange: Int? { (0..<origin).last { contents($0) != contents($0 + 1) } }

    /// Whether memory is as at the origin in all states from `index` on.
    func isSettled(since index: Int) -> Bool {
      (index...origin).allSatisfy { contents($0) == contents(origin) }
    }

    func index(of record: AccessRecord) -> Int? {
      oracle.states.indices.first { index in
        oracle.moment(index) == record.moment
          && oracle.states[index].machine.registers == record.registers
      }
    }
  }

  /// Fails unless `found` is true, and the best that can be known.
  private func check(_ found: LastWrite, _ truth: Truth) throws {
    switch found.finding {
    case .store(let record, let address):
      let index = try #require(truth.index(of: record))
      #expect(index == truth.lastStore)
      #expect(truth.stores(index).contains(address))
      #expect(record.before == truth.contents(index))
      #expect(record.after == truth.contents(index + 1))
      #expect(record.after == truth.contents(truth.origin))
    case .storeToUnreadable:
      Issue.record("all of this memory can be read")
    case .change(let record, let culprit):
      try checkChange(record, truth)
      #expect(culprit == (truth.watched.isEmpty ? .anything : .deviceOrAlias))
    case .earlierMapping(let record, let address):
      try checkChange(record, truth)
      let index = try #require(truth.index(of: record))
      let range = MemoryRange(.virtual(address), count: UInt64(truth.places.count))
      #expect(!truth.watched.contains(range))
      #expect(truth.stores(index, watching: [range]) == [address])
    case .nothing:
      #expect(truth.lastStore == nil)
      #expect(truth.contents(0) == truth.contents(truth.origin))
    }
  }

  private func checkChange(_ record: AccessRecord, _ truth: Truth) throws {
    let index = try #require(truth.index(of: record))
    #expect(truth.stores(index).isEmpty)
    #expect(truth.lastStore ?? -1 < index)
    #expect(record.before == truth.contents(index))
    #expect(record.before != record.after)
    #expect(record.after == truth.contents(index + 1))
    #expect(record.after == truth.contents(truth.origin))
    // Only what left no trace may be missed.
    if truth.isSettled(since: index + 1) { #expect(index == truth.lastChange) }
  }

  @Test(arguments: 1...12)
  func `Memory that changes behind its address's back`(seed: UInt64) async throws {
    let program = ToyProgram.devious(seed: seed, length: 400, start: seed % 4 == 0 ? 9 : 0)
    let toy = try await ToyTimeline(program)
    let knowsAliases = seed % 3 != 0
    await toy.engine.fail(.init(cannotListMappings: !knowsAliases))
    var generator = Generator(seed &* 31)
    for _ in 0..<40 {
      let index = Int.random(in: 0...toy.oracle.last, using: &generator)
      try await toy.place(at: index)
      let start = UInt64.random(in: 0..<50, using: &generator)
      let count = UInt64.random(in: 1...5, using: &generator)
      let isPhysical = Int.random(in: 0..<4, using: &generator) == 0
      let range = MemoryRange(
        isPhysical ? .physical(PhysicalAddress(start)) : .virtual(VirtualAddress(start)),
        count: count)
      // Toy pages are smaller than those that the search tells apart.
      guard start / 16 == (start + count - 1) / 16 else { continue }
      let found = try await toy.timeline.lastWrite(to: range)
      try await toy.expect(at: index, memory: true)
      #expect(found.watched.count >= (knowsAliases ? 2 : isPhysical ? 0 : 1))
      try check(found, Truth(toy.oracle, range, at: index, watched: found.watched))
    }
  }

  @Test(arguments: [2, 5])
  func `An end in any call changes no answer`(seed: UInt64) async throws {
    let program = ToyProgram.devious(seed: seed, length: 250)
    func answers(_ toy: ToyTimeline) async throws -> [LastWrite.Finding] {
      var found: [LastWrite.Finding] = []
      try await toy.place(at: toy.oracle.last - 3)
      for address in [3, 17, 33] as [UInt64] {
        let range = MemoryRange(.virtual(VirtualAddress(address)), count: 2)
        found.append(try await toy.timeline.lastWrite(to: range).finding)
        let physical = MemoryRange(.physical(PhysicalAddress(address)), count: 2)
        found.append(try await toy.timeline.lastWrite(to: physical).finding)
      }
      return found
    }
    let calm = try await ToyTimeline(program)
    let first = await calm.engine.work.calls + 1
    let truth = try await answers(calm)
    let last = await calm.engine.work.calls
    for call in stride(from: first, through: last, by: 7) {
      let toy = try await ToyTimeline(program)
      await toy.engine.fail(.init(deathCalls: [call], losesCheckpoints: call % 2 == 0))
      let seen = try await answers(toy)
      // Without its checkpoints a search compares at other moments, which only matters for what left no trace.
      if call % 2 == 1 { #expect(seen == truth, "killed in call \(call)") }
      #expect(await toy.engine.work.restarts == 1)
    }
  }

  /// Counts, and at one moment something else writes.
  private static func counting(_ transfers: [UInt64: ToyTransfer]) -> ToyProgram {
    var program = ToyProgram(
      instructions: [.store(register: 1, address: 5), .add(register: 0, 1), .jump(1)], handler: 0,
      interrupts: [], length: 5000)
    program.transfers = transfers
    return program
  }

  private static let five = MemoryRange(.virtual(VirtualAddress(5)), count: 1)

  @Test func `A device's write comes after a store`() async throws {
    let toy = try await ToyTimeline(Self.counting([3001: ToyTransfer(address: 5, byte: 77)]))
    _ = try await toy.timeline.seek(.moment(Moment(4990)))
    let found = try await toy.timeline.lastWrite(to: Self.five)
    guard case .change(let record, .deviceOrAlias) = found.finding else {
      Issue.record("\(found)")
      return
    }
    #expect(record.moment == Moment(3001))
    #expect(record.before == [2] && record.after == [77])
    #expect(found.comparisons > 0)
    #expect(found.unwatchedMoments == 0)
    // Before it, the store is what counts.
    _ = try await toy.timeline.seek(.moment(Moment(3001)))
    let earlier = try await toy.timeline.lastWrite(to: Self.five)
    #expect(earlier.record?.moment == Moment(0))
    guard case .store = earlier.finding else {
      Issue.record("\(earlier)")
      return
    }
  }

  @Test func `An engine that can't translate compares virtual memory`() async throws {
    var program = Self.counting([:])
    program.instructions = [
      .swapPages(0, 1), .store(register: 1, address: 5), .swapPages(0, 3), .jump(3),
    ]
    let toy = try await ToyTimeline(program)
    await toy.engine.fail(.init(cannotTranslate: true))
    _ = try await toy.timeline.seek(.moment(Moment(4000)))
    let found = try await toy.timeline.lastWrite(to: Self.five)
    guard case .change(let record, .deviceOrAliasOrMapping) = found.finding else {
      Issue.record("\(found)")
      return
    }
    #expect(record.moment == Moment(2))
    #expect(record.before == [2] && record.after == [0])
    // With translation it is plain that nobody wrote to this memory.
    await toy.engine.fail(.init())
    #expect(try await toy.timeline.lastWrite(to: Self.five).finding == .nothing)
    let moved = MemoryRange(.virtual(VirtualAddress(3 * 16 + 5)), count: 1)
    let other = try await toy.timeline.lastWrite(to: moved)
    // It was mapped elsewhere when it was written, which isn't known before that moment is found.
    guard case .earlierMapping(let store, through: VirtualAddress(5)) = other.finding else {
      Issue.record("\(other)")
      return
    }
    #expect(store.moment == Moment(1) && store.after == [2])
    // Through the direct map, too, and where it would be without page tables.
    let watched: [UInt64] = [53, 256 + 21, 21]
    #expect(other.watched.map(\.rawStart) == watched)
  }

  @Test func `A store of the same bytes through another address counts`() async throws {
    var program = Self.counting([:])
    program.length = 3000
    // 5 gets 2 at the beginning; once, between many additions, it gets 2 again.
    program.instructions = [.store(register: 1, address: 5)]
    program.instructions += (0..<50).map { _ in .add(register: 0, 1) }
    program.instructions += [.storeDirect(register: 1, address: 5), .jump(52 + 1)]
    program.instructions.append(.jump(53))
    let toy = try await ToyTimeline(program)
    _ = try await toy.timeline.seek(.moment(Moment(2900)))
    for range in [Self.five, MemoryRange(.physical(PhysicalAddress(5)), count: 1)] {
      let found = try await toy.timeline.lastWrite(to: range)
      guard case .store(let record, through: VirtualAddress(261)) = found.finding else {
        Issue.record("\(found)")
        return
      }
      #expect(record.moment == Moment(51))
      #expect(record.before == [2] && record.after == [2])
    }
    await toy.engine.fail(.init(cannotListMappings: true))
    let found = try await toy.timeline.lastWrite(to: Self.five)
    #expect(found.record?.moment == Moment(0))
    let physical = try await toy.timeline.lastWrite(
      to: MemoryRange(.physical(PhysicalAddress(5)), count: 1))
    guard case .change(let record, by: .anything) = physical.finding else {
      Issue.record("\(physical)")
      return
    }
    #expect(record.moment == Moment(0))
  }

  /// As in a boot, whose first page tables map memory to its own addresses, and are gone later.
  @Test func `A store before there were mappings counts though it left no trace`() async throws {
    var program = Self.counting([:])
    // Addresses and memory are the same at first. Byte 5 is zero, gets 2 and then zero again.
    program.instructions = [
      .store(register: 1, address: 5), .store(register: 0, address: 5), .swapPages(0, 3),
      .add(register: 0, 1), .jump(3),
    ]
    let toy = try await ToyTimeline(program)
    _ = try await toy.timeline.seek(.moment(Moment(4000)))
    let moved = MemoryRange(.virtual(VirtualAddress(3 * 16 + 5)), count: 1)
    let found = try await toy.timeline.lastWrite(to: moved)
    guard case .store(let record, through: VirtualAddress(5)) = found.finding else {
      Issue.record("\(found)")
      return
    }
    #expect(record.moment == Moment(1))
  }

  @Test func `A store to what isn't mapped any more can't be compared`() async throws {
    var program = Self.counting([:])
    program.instructions = [
      .store(register: 1, address: 5), .unmap(0), .add(register: 0, 1), .jump(2),
    ]
    let toy = try await ToyTimeline(program)
    _ = try await toy.timeline.seek(.moment(Moment(4000)))
    let found = try await toy.timeline.lastWrite(to: Self.five)
    guard case .storeToUnreadable(let record, through: VirtualAddress(5)) = found.finding else {
      Issue.record("\(found)")
      return
    }
    #expect(record.moment == Moment(0))
    #expect(record.before == [0] && record.after == [2])
  }

  @Test func `What isn't there can't be searched for`() async throws {
    let toy = try await ToyTimeline(Self.counting([:]))
    _ = try await toy.timeline.seek(.moment(Moment(100)))
    let nowhere = MemoryRange(.physical(PhysicalAddress(0x1000)), count: 4)
    await #expect(throws: TimelineError.unreadable(nowhere)) {
      try await toy.timeline.lastWrite(to: nowhere)
    }
    for count in [0, 1 << 20, UInt64.max] {
      let range = MemoryRange(.virtual(VirtualAddress(16)), count: count)
      await #expect(throws: TimelineError.unsupported("searching for writes to \(range)")) {
        try await toy.timeline.lastWrite(to: range)
      }
    }
    let unmapped = MemoryRange(.virtual(VirtualAddress(0x9000)), count: 4)
    #expect(try await toy.timeline.lastWrite(to: unmapped).finding == .nothing)
    #expect(await toy.timeline.position == Moment(100))
  }

  @Test func `Where stores couldn't be watched is told`() async throws {
    let toy = try await ToyTimeline(Self.counting([:]))
    await toy.engine.fail(.init(stallsWatching: (3000, 0), cannotTellStores: true))
    _ = try await toy.timeline.seek(.moment(Moment(4990)))
    let found = try await toy.timeline.lastWrite(to: Self.five)
    #expect(found.record?.moment == Moment(0))
    #expect(found.unwatchedMoments == 4)
    #expect(await toy.engine.work.restarts == 1)
  }

  @Test func `A store of the same bytes is found where nothing can be watched`() async throws {
    var program = Self.counting([:])
    program.length = 3500
    program.instructions = [
      .store(register: 1, address: 5), .add(register: 0, 1), .jump(0),
    ]
    let toy = try await ToyTimeline(program)
    // The instruction that is executed at 3000.
    await toy.engine.fail(.init(stallsWatching: (3001, 0)))
    for (position, store) in [(3002, 3000), (3400, 3399), (3001, 3000), (3000, 2997)] {
      _ = try await toy.timeline.seek(.moment(Moment(UInt64(position))))
      let found = try await toy.timeline.lastWrite(to: Self.five)
      guard case .store(let record, through: VirtualAddress(5)) = found.finding else {
        Issue.record("\(found)")
        continue
      }
      #expect(record.moment == Moment(UInt64(store)))
      #expect(record.before == [2] && record.after == [2])
      #expect(found.unwatchedMoments == 0)
    }
    #expect(await toy.engine.work.restarts == 1)
  }
}
