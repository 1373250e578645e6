import Bytes
import Targets

/// What QEMU's own variables say about coroutines: the second list, against which the one found by
/// shape is checked.
struct CoroutineLists: StructureReading {
  var pools: [VirtualAddress: CoroutinePool] = [:]
  /// Every pool was read to its end, so that whoever is in none is in none.
  var poolsAreComplete = false
  /// The coroutine that each thread executes, its own context included.
  var current: [(thread: Int32, coroutine: VirtualAddress)] = []
  /// Each thread's own context.
  var leaders: [VirtualAddress: Int32] = [:]
  /// The event loop on whose list of scheduled coroutines a coroutine is.
  var scheduled: [VirtualAddress: VirtualAddress] = [:]
  var contexts: [VirtualAddress: AioContextReference] = [:]
  /// Other places that lead to a coroutine.
  var mentions: [VirtualAddress: [String]] = [:]
  var diagnostics: [String] = []

  init(_ structures: QEMUStructures) {
    collect("the pools") { (lists: inout Self) throws(StructureError) in
      try lists.readPools(structures)
    }
    collect("the running coroutines") { (lists: inout Self) throws(StructureError) in
      try lists.readThreads(structures)
    }
    collect("the event loops") { (lists: inout Self) throws(StructureError) in
      try lists.readContexts(structures)
    }
    collect("the jobs") { (lists: inout Self) throws(StructureError) in
      try lists.readJobs(structures)
    }
    collect("the monitor") { (lists: inout Self) throws(StructureError) in
      try lists.readMonitor(structures)
    }
  }

  private mutating func noteProblem(of walk: ListWalk, _ what: String) {
    if let problem = walk.problem { diagnostics.append("\(what): \(problem)") }
  }

  private mutating func readPools(_ structures: QEMUStructures) throws(StructureError) {
    let file = "qemu-coroutine.c"
    let problems = diagnostics.count
    var count = (global: 0, local: 0)
    if let head = try structures.global(VariableNames.globalPool, in: file) {
      addPool(head, .global)
      count.global += 1
    }
    for (thread, head) in try structures.threadLocals(VariableNames.localPool, in: file) {
      addPool(head, .local(thread: thread.id))
      count.local += 1
    }
    if let head = try structures.global(VariableNames.globalBatches, in: file) {
      try addBatches(head, .global)
      count.global += 1
    }
    for (thread, head) in try structures.threadLocals(VariableNames.localBatches, in: file) {
      try addBatches(head, .local(thread: thread.id))
      count.local += 1
    }
    poolsAreComplete =
      diagnostics.count == problems && count.global == 1
      && count.local == structures.process.threads.count
  }

  private mutating func addPool(_ head: TypedAddress, _ pool: CoroutinePool) {
    let walk = ListWalk(head: head, first: "slh_first", link: "pool_next.sle_next")
    noteProblem(of: walk, "\(pool)")
    for element in walk.elements { pools[element.address] = pool }
  }

  private mutating func addBatches(_ head: TypedAddress, _ pool: CoroutinePool)
    throws(StructureError)
  {
    let walk = ListWalk(head: head, first: "slh_first", link: "next.sle_next")
    noteProblem(of: walk, "\(pool)")
    for batch in walk.elements { addPool(try batch.member("list"), pool) }
  }

  private mutating func readThreads(_ structures: QEMUStructures) throws(StructureError) {
    let file = "coroutine-ucontext.c"
    for (thread, place) in try structures.threadLocals(VariableNames.leader, in: file) {
      leaders[place.address] = thread.id
    }
    for (thread, place) in try structures.threadLocals(VariableNames.current, in: file) {
      let value = try place.unsigned()
      if value != 0 { current.append((thread.id, VirtualAddress(value))) }
    }
  }

  private mutating func readContexts(_ structures: QEMUStructures) throws(StructureError) {
    let main = try structures.global(["qemu_aio_context"], in: "main-loop.c")?.pointee()
    if let main {
      contexts[main.address] = AioContextReference(address: main.address, name: "main loop")
    }
    var loops = main.map { [$0] } ?? []
    for (thread, place) in try structures.threadLocals(VariableNames.threadContext, in: "async.c") {
      guard let context = try place.pointee() else { continue }
      if contexts[context.address] == nil {
        let name = try IOThreadNames(structures: structures).name(
          of: thread, context: context.address)
        contexts[context.address] = AioContextReference(
          address: context.address, name: name.map { "iothread \($0)" })
        loops.append(context)
      }
      contexts[context.address]?.homeThread = thread.id
    }
    for context in loops {
      let walk = ListWalk(
        head: try context.member("scheduled_coroutines"), first: "slh_first",
        link: "co_scheduled_next.sle_next")
      noteProblem(of: walk, "the coroutines scheduled on \(context.address)")
      for element in walk.elements { scheduled[element.address] = context.address }
    }
  }

  private mutating func readJobs(_ structures: QEMUStructures) throws(StructureError) {
    guard let head = try structures.global(["jobs"], in: "job.c") else { return }
    let walk = ListWalk(head: head, first: "lh_first", link: "job_list.le_next")
    noteProblem(of: walk, "the jobs")
    for job in walk.elements {
      let coroutine = try job.member("co").unsigned()
      guard coroutine != 0 else { continue }
      let id = try job.member("id").string() ?? "without a name"
      mentions[VirtualAddress(coroutine), default: []].append("job \(id)")
    }
  }

  private mutating func readMonitor(_ structures: QEMUStructures) throws(StructureError) {
    guard let place = try structures.global(["qmp_dispatcher_co"], in: "monitor.c") else { return }
    let coroutine = try place.unsigned()
    if coroutine != 0 {
      mentions[VirtualAddress(coroutine), default: []].append("qmp_dispatcher_co")
    }
  }
}

extension CoroutineScanner.Result {
  /// Completes what the scan found by what QEMU's variables say, and notes where the two disagree.
  public mutating func complete(with structures: QEMUStructures) {
    let lists = CoroutineLists(structures)
    diagnostics += lists.diagnostics
    for index in coroutines.indices { coroutines[index].complete(with: lists) }
    reportMissing(lists)
  }

  /// Says which coroutines QEMU knows of that the scan didn't find.
  private mutating func reportMissing(_ lists: CoroutineLists) {
    let found = Set(coroutines.map(\.address))
    var sources: [VirtualAddress: [String]] = lists.mentions
    for (address, pool) in lists.pools { sources[address, default: []].append("\(pool)") }
    for (address, context) in lists.scheduled {
      sources[address, default: []].append("the event loop at \(context)")
    }
    for (thread, address) in lists.current where lists.leaders[address] == nil {
      sources[address, default: []].append("the current coroutine of thread \(thread)")
    }
    for (address, names) in sources.sorted(by: { $0.key < $1.key }) where !found.contains(address) {
      diagnostics.append(
        "\(names.joined(separator: ", ")) leads to \(address), where no coroutine was found")
    }
  }
}

extension Coroutine {
  fileprivate mutating func complete(with lists: CoroutineLists) {
    for name in lists.mentions[address] ?? [] { evidence.append(.reachable(from: name)) }
    if let found = context.flatMap({ lists.contexts[$0.address] }) { context = found }
    for index in callers.indices {
      guard let thread = lists.leaders[callers[index].address] else { continue }
      callers[index] = CoroutineCaller(
        address: callers[index].address, kind: .threadContext(thread: thread),
        registers: callers[index].registers)
    }
    let runners = lists.current.filter { $0.coroutine == address }.map(\.thread)
    if let runner = runners.first { confirmRunning(in: runner) }
    if let pool = lists.pools[address] {
      confirmIdle(in: pool)
    } else if case .terminated = state, lists.poolsAreComplete {
      // It was taken from its pool and hasn't been entered, if it isn't just on its way into one.
      state = .created
      doubts.append("it looks ended, but no pool holds it: taken for reuse and not entered yet")
    }
    if let loop = lists.scheduled[address] {
      evidence.append(.reachable(from: "the scheduled coroutines of the event loop at \(loop)"))
      if case .scheduled = state { return }
      doubts.append("on an event loop's list of scheduled coroutines, but \(state)")
    }
  }

  private mutating func confirmRunning(in thread: Int32) {
    evidence.append(.reachable(from: "the current coroutine of thread \(thread)"))
    switch state {
    case .running(thread): break
    case .entering:
      // The thread's stack pointer is elsewhere: on a signal's stack, or amid a switch.
      doubts.append("thread \(thread) executes it, but isn't on its stack")
      state = .running(thread: thread)
    default: doubts.append("thread \(thread) calls it current, but it is \(state)")
    }
  }

  private mutating func confirmIdle(in pool: CoroutinePool) {
    evidence.append(.reachable(from: "\(pool)"))
    switch state {
    case .inactive, .suspended, .terminated, .created: state = .idle(in: pool)
    default: doubts.append("in a pool, but \(state)")
    }
  }
}

extension CoroutinePool: CustomStringConvertible {
  public var description: String {
    switch self {
    case .global: "the global pool"
    case .local(let thread): "the pool of thread \(thread)"
    }
  }
}
