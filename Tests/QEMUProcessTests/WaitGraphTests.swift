import Bytes
import QEMUProcess
import Testing

@Suite("Who waits for whom")
struct WaitGraphTests {
  private typealias World = SyntheticProcess

  private func node(_ planted: SyntheticProcess.Planted) -> WaitNode {
    WaitNode(.coroutine, VirtualAddress(planted.address))
  }

  private func graph(_ world: SyntheticProcess) -> WaitGraph {
    WaitGraph(world.scan(), in: world.process(), structures: nil)
  }

  /// A CoMutex at a new address.
  private func addMutex(
    _ world: inout SyntheticProcess, holder: SyntheticProcess.Planted?, locked: UInt64
  ) -> UInt64 {
    let address = world.allocate(48)
    world.set(address, locked)
    world.set(address + 40, holder?.address ?? 0)
    return address
  }

  /// Puts a record for `waiter` on its stack, in front of the lock's list at `list`, and the lock's
  /// address where the waiting function keeps it.
  private func wait(
    _ world: inout SyntheticProcess, _ waiter: SyntheticProcess.Planted, for mutex: UInt64,
    list: UInt64 = 16
  ) -> UInt64 {
    let record = waiter.stackPointer + 0x40
    world.set(record, waiter.address)
    world.set(record + 8, world.word(mutex + list))
    world.set(mutex + list, record)
    world.set(waiter.stackPointer + 0x60, mutex)
    return record
  }

  /// Links `waiters` into a CoQueue at a new address.
  private func addQueue(
    _ world: inout SyntheticProcess, _ waiters: [SyntheticProcess.Planted]
  ) -> UInt64 {
    let queue = world.allocate(16)
    var link = queue
    for waiter in waiters {
      world.set(link, waiter.address)
      link = waiter.address + 56
      world.set(waiter.stackPointer + 0x60, queue)
    }
    world.set(link, 0)
    world.set(queue + 8, link)
    return queue
  }

  @Test func aMutexHasAHolderAndWaiters() {
    var world = World()
    let holder = world.addCoroutine()
    let waiters = [world.addCoroutine(), world.addCoroutine(), world.addCoroutine()]
    let mutex = addMutex(&world, holder: holder, locked: 4)
    _ = wait(&world, waiters[0], for: mutex)
    _ = wait(&world, waiters[1], for: mutex)
    _ = wait(&world, waiters[2], for: mutex, list: 24)
    let graph = graph(world)
    let lock = WaitNode(.mutex, VirtualAddress(mutex))
    #expect(graph.edges(to: lock).map(\.from) == waiters.map(node))
    #expect(graph.edges(from: lock).map(\.to) == [node(holder)])
    #expect(graph.edges.allSatisfy { $0.source == .structure })
    #expect(graph.edges(from: node(holder)).isEmpty)
    #expect(graph.cycles.isEmpty)
  }

  @Test func twoLocksInOppositeOrderAreADeadlock() {
    var world = World()
    let first = world.addCoroutine()
    let second = world.addCoroutine()
    let heldByFirst = addMutex(&world, holder: first, locked: 2)
    let heldBySecond = addMutex(&world, holder: second, locked: 2)
    _ = wait(&world, first, for: heldBySecond)
    _ = wait(&world, second, for: heldByFirst)
    let graph = graph(world)
    #expect(
      graph.cycles == [
        [
          WaitNode(.mutex, VirtualAddress(heldByFirst)), node(first),
          WaitNode(.mutex, VirtualAddress(heldBySecond)), node(second),
        ]
      ])
    #expect(graph.description.contains("circle: CoMutex"))
  }

  @Test func aLeftoverAddressOfAMutexIsNoWait() {
    var world = World()
    let holder = world.addCoroutine()
    let former = world.addCoroutine()
    let mutex = addMutex(&world, holder: holder, locked: 2)
    _ = wait(&world, former, for: mutex)
    // The lock was handed to it: it isn't in the list any more.
    world.set(mutex + 16, 0)
    #expect(graph(world).edges.isEmpty)
  }

  @Test func aQueueHasItsMembers() {
    var world = World()
    let waiters = [world.addCoroutine(), world.addCoroutine()]
    let bystander = world.addCoroutine()
    let queue = addQueue(&world, waiters)
    world.set(bystander.stackPointer + 0x60, queue)
    let graph = graph(world)
    let node = WaitNode(.queue, VirtualAddress(queue))
    #expect(graph.edges(to: node).map(\.from) == waiters.map(self.node))
    #expect(graph.edges.count == 2)
  }

  @Test func aQueueOnAStackBelongsToItsCoroutine() {
    var world = World()
    let owner = world.addCoroutine(depth: 0x400)
    let waiter = world.addCoroutine()
    let queue = owner.stackPointer + 0x80
    world.set(queue, waiter.address)
    world.set(queue + 8, waiter.address + 56)
    world.set(waiter.stackPointer + 0x60, queue)
    let graph = graph(world)
    let place = WaitNode(.queue, VirtualAddress(queue))
    #expect(graph.edges(from: place).map(\.to) == [node(owner)])
    #expect(graph.edges(to: place).map(\.from) == [node(waiter)])
  }

  @Test func aReadWriteLockHasTickets() {
    var world = World()
    let waiters = [world.addCoroutine(), world.addCoroutine()]
    let lock = world.allocate(72)
    // 32 bits of -1: a writer holds it.
    world.set(lock + 48, 0xffff_ffff)
    var link = lock + 56
    for waiter in waiters {
      let ticket = waiter.stackPointer + 0x40
      world.set(link, ticket)
      world.set(ticket + 8, waiter.address)
      link = ticket + 16
      world.set(waiter.stackPointer + 0x70, lock)
    }
    world.set(lock + 64, link)
    let graph = graph(world)
    let node = WaitNode(.readWriteLock, VirtualAddress(lock))
    #expect(graph.edges(to: node).map(\.from) == waiters.map(self.node))
    #expect(graph.edges.first?.to.name == "held by a writer")
  }

  @Test func linksThatLieAreNoWaits() {
    var world = World()
    // A queue that leads back to its first member.
    let looped = [world.addCoroutine(), world.addCoroutine()]
    _ = addQueue(&world, looped)
    world.set(looped[1].address + 56, looped[0].address)
    // A queue whose tail isn't its last member's link.
    let tailless = world.addCoroutine()
    let queue = addQueue(&world, [tailless])
    world.set(queue + 8, queue)
    // A record that points at itself, and one on another's stack.
    let holder = world.addCoroutine()
    let own = world.addCoroutine()
    let record = wait(
      &world, own, for: addMutex(&world, holder: holder, locked: 2))
    world.set(record + 8, record)
    let foreign = world.addCoroutine()
    let mutex = addMutex(&world, holder: holder, locked: 2)
    let misplaced = wait(&world, foreign, for: mutex)
    world.set(misplaced, own.address)
    // A queue of something that isn't a coroutine.
    let strange = world.addCoroutine()
    let heap = world.allocate(64)
    world.set(heap, heap + 16)
    world.set(heap + 8, heap + 16 + 56)
    world.set(strange.stackPointer + 0x60, heap)
    #expect(graph(world).edges.isEmpty)
  }

  @Test func sleepersAndTheScheduledSayWhatTheyWaitFor() {
    var world = World()
    let sleeper = world.addCoroutine()
    let scheduled = world.addCoroutine()
    let text = World.constants + 0x20
    world.setText(text, "qemu_co_sleep_ns")
    world.set(sleeper.address + 48, text)
    world.set(scheduled.address + 48, 0x10)
    world.set(scheduled.address + 40, World.heap + 0x8000)
    let edges = graph(world).edges
    #expect(edges.map(\.reason) == [.sleepsUntil, .scheduledOn])
    #expect(edges.first?.to.name == "qemu_co_sleep_ns")
    #expect(edges.last?.to == WaitNode(.eventLoop, VirtualAddress(World.heap + 0x8000)))
  }

  @Test func circlesAreExactlyTheSetsThatReachThemselves() {
    var generator = SplitMix(state: 7)
    for _ in 0..<200 {
      let count = Int.random(in: 1...8, using: &generator)
      let nodes = (0..<count).map { WaitNode(.coroutine, VirtualAddress(UInt64($0))) }
      var reach = Array(repeating: Array(repeating: false, count: count), count: count)
      var edges: [WaitEdge] = []
      for _ in 0..<Int.random(in: 0...10, using: &generator) {
        let from = Int.random(in: 0..<count, using: &generator)
        let to = Int.random(in: 0..<count, using: &generator)
        reach[from][to] = true
        edges.append(WaitEdge(nodes[from], .hasEntered, nodes[to], source: .structure))
      }
      for middle in 0..<count {
        for from in 0..<count where reach[from][middle] {
          for to in 0..<count where reach[middle][to] { reach[from][to] = true }
        }
      }
      let onCircles = (0..<count).filter { reach[$0][$0] }
      let sets = Set(
        onCircles.map { node in onCircles.filter { reach[node][$0] && reach[$0][node] } })
      let graph = WaitGraph(edges: edges)
      #expect(graph.cycles.count == sets.count)
      for cycle in graph.cycles {
        for (from, to) in zip(cycle, cycle.dropFirst() + cycle.prefix(1)) {
          #expect(edges.contains { $0.from == from && $0.to == to })
        }
      }
    }
  }
}
