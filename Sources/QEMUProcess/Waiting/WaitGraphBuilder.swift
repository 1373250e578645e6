import Bytes

extension WaitGraph {
  /// Who waits for whom among the coroutines that a scan found.
  ///
  /// Without `structures` (there is no debug information) locks and queues are found from their
  /// waiters, but have no names, and what waits for no lock or queue isn't explained.
  public init(
    _ result: CoroutineScanner.Result, in process: HostProcess, structures: QEMUStructures?
  ) {
    var builder = WaitGraphBuilder(result, process, structures.map(BlockLayer.init))
    builder.build()
    if structures == nil {
      builder.diagnostics.append(
        "without debug information: requests, throttle groups and jobs aren't looked at")
    }
    self.init(edges: builder.edges, diagnostics: builder.diagnostics)
  }
}

/// Puts a wait graph together.
struct WaitGraphBuilder {
  private let process: HostProcess
  private let coroutines: [Coroutine]
  private let members: CoroutineMembers?
  private let layer: BlockLayer?
  private(set) var edges: [WaitEdge] = []
  var diagnostics: [String] = []

  init(_ result: CoroutineScanner.Result, _ process: HostProcess, _ layer: BlockLayer?) {
    self.process = process
    self.layer = layer
    coroutines = result.coroutines
    members = result.layout?.members
    diagnostics = layer?.diagnostics ?? []
  }

  mutating func build() {
    edges = layer?.edges ?? []
    addStates()
    guard let members else {
      diagnostics.append("the coroutines' layout isn't known: queues can't be followed")
      return
    }
    let waiters = LinkedWaiters(
      process: process,
      coroutines: Dictionary(
        coroutines.map { ($0.address, $0) }, uniquingKeysWith: { first, _ in first }),
      queueNext: members.queueNext)
    for coroutine in coroutines where Self.canWait(coroutine) {
      for place in waiters.places(of: coroutine) { add(place, waiter: coroutine) }
    }
  }

  private static func canWait(_ coroutine: Coroutine) -> Bool {
    switch coroutine.state {
    case .inactive, .suspended, .scheduled: true
    case .running, .entering, .created, .terminated, .idle: false
    }
  }

  private mutating func add(
    _ from: WaitNode, _ reason: WaitEdge.Reason, _ to: WaitNode,
    source: WaitEdge.Source = .structure
  ) {
    edges.append(WaitEdge(from, reason, to, source: source))
  }

  /// What the coroutines' states say.
  private mutating func addStates() {
    for coroutine in coroutines {
      let node = WaitNode(.coroutine, coroutine.address)
      switch coroutine.state {
      case .entering(let callee?): add(node, .hasEntered, WaitNode(.coroutine, callee))
      case .scheduled(let function?) where function.hasPrefix("qemu_co_sleep"):
        add(node, .sleepsUntil, WaitNode(.timer, coroutine.address, name: function))
      case .scheduled:
        guard let context = coroutine.context else { continue }
        let loop = WaitNode(.eventLoop, context.address, name: context.name)
        add(node, .scheduledOn, loop)
        if let thread = context.homeThread {
          add(
            loop, .runsIn, WaitNode(.thread, VirtualAddress(UInt64(UInt32(bitPattern: thread)))),
            source: .debugInformation)
        }
      case .running, .entering, .inactive, .suspended, .created, .terminated, .idle: continue
      }
    }
  }

  private mutating func add(_ place: LinkedWaiters.Place, waiter: Coroutine) {
    let node = WaitNode(.coroutine, waiter.address)
    switch place {
    case .queue(let address):
      let queue = queueNode(at: address)
      add(node, .waitsInQueue, queue)
      if let owner = layer?.owner(of: address) {
        add(queue, .belongsTo, owner.node, source: .debugInformation)
      } else if let owner = coroutines.first(where: { $0.stack.contains(address) }),
        owner.address != waiter.address
      {
        // A queue in a function's frame: whoever runs that function wakes the waiters.
        add(queue, .belongsTo, WaitNode(.coroutine, owner.address))
      }
    case .readWriteLock(let address, let owners):
      let owner = layer?.owner(of: address)
      let held = owners < 0 ? "held by a writer" : "held by \(owners) readers"
      let name = owner.map { "\($0.member) of \($0.node.name ?? ""), " } ?? ""
      add(node, .waitsForLock, WaitNode(.readWriteLock, address, name: name + held))
    case .mutex(let address, let holder):
      let owner = layer?.owner(of: address)
      let lock = WaitNode(
        .mutex, address, name: owner.map { "\($0.member) of \($0.node.name ?? "")" })
      add(node, .waitsForLock, lock)
      if let holder { add(lock, .heldBy, WaitNode(.coroutine, holder)) }
    }
  }

  private func queueNode(at address: VirtualAddress) -> WaitNode {
    WaitNode(.queue, address, name: layer?.owner(of: address)?.member)
  }
}
