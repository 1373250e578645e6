import Bytes
import Symbols
import Targets

/// The queues, locks and requests of QEMU's block layer, and who they belong to.
///
/// Sources: block.c (`all_bdrv_states`), block/block-backend.c (`block_backends`),
/// block/throttle-groups.c (`throttle_groups`), include/block/block_int-common.h, job.c (`jobs`).
/// Members that only some versions have are asked for before they are read.
struct BlockLayer: StructureReading {
  /// What a queue or lock belongs to, and what it is called.
  struct Owner: Sendable {
    let node: WaitNode
    let member: String
  }

  private(set) var queues: [VirtualAddress: Owner] = [:]
  private(set) var locks: [VirtualAddress: Owner] = [:]
  /// Memory that belongs to a block node as a whole: its driver's own state.
  private var states: [(range: Range<UInt64>, owner: Owner)] = []
  private(set) var edges: [WaitEdge] = []
  var diagnostics: [String] = []

  init(_ structures: QEMUStructures) {
    collect("block nodes") { (layer: inout Self) throws(StructureError) in
      try layer.readNodes(structures)
    }
    collect("block backends") { (layer: inout Self) throws(StructureError) in
      try layer.readBackends(structures)
    }
    collect("throttle groups") { (layer: inout Self) throws(StructureError) in
      try layer.readThrottleGroups(structures)
    }
    collect("jobs") { (layer: inout Self) throws(StructureError) in try layer.readJobs(structures) }
  }

  /// Who the queue or lock at `address` belongs to.
  func owner(of address: VirtualAddress) -> Owner? {
    queues[address] ?? locks[address]
      ?? states.first { $0.range.contains(address.rawValue) }?.owner
  }

  /// The list's elements; a list that is broken is reported and gives what came before.
  private mutating func elements(
    of head: TypedAddress?, first: String, link: String, _ what: String
  ) -> [TypedAddress] {
    guard let head else {
      diagnostics.append("\(what): the program has no such variable")
      return []
    }
    let walk = ListWalk(head: head, first: first, link: link)
    if let problem = walk.problem { diagnostics.append("\(what): \(problem)") }
    return walk.elements
  }

  private mutating func addLock(_ lock: TypedAddress, _ owner: WaitNode, _ name: String)
    throws(StructureError)
  {
    // Some of these became plain mutexes in newer versions.
    guard try lock.hasMember("holder") else { return }
    locks[lock.address] = Owner(node: owner, member: name)
    let holder = try lock.member("holder").unsigned()
    guard try lock.member("locked").unsigned() > 0, holder != 0 else { return }
    edges.append(
      WaitEdge(
        WaitNode(.mutex, lock.address, name: "\(name) of \(owner.name ?? "")"), .heldBy,
        WaitNode(.coroutine, VirtualAddress(holder)), source: .debugInformation))
  }

  private mutating func readNodes(_ structures: QEMUStructures) throws(StructureError) {
    let head = try structures.global(["all_bdrv_states"], in: "block.c")
    for state in elements(
      of: head, first: "tqh_first", link: "bs_list.tqe_next", "all_bdrv_states")
    {
      let name = try state.member("node_name").inlineString()
      let node = WaitNode(.blockNode, state.address, name: name.isEmpty ? nil : name)
      for lock in ["reqs_lock", "bsc_modify_lock"] where try state.hasMember(lock) {
        try addLock(try state.member(lock), node, lock)
      }
      try addDriverState(state, node)
      queues[try state.member("flush_queue").address] = Owner(node: node, member: "flush_queue")
      let isDrained = try state.member("quiesce_counter").unsigned() > 0
      for request in elements(
        of: try state.member("tracked_requests"), first: "lh_first", link: "list.le_next",
        "the requests of \(node)")
      {
        try readRequest(request, of: node, isDrained: isDrained)
      }
    }
  }

  /// What the driver of a node keeps for it: `instance_size` bytes at `opaque`.
  private mutating func addDriverState(
    _ state: TypedAddress, _ node: WaitNode
  ) throws(StructureError) {
    let start = try state.member("opaque").unsigned()
    guard start != 0, let driver = try state.member("drv").pointee() else { return }
    let size = try driver.member("instance_size").unsigned()
    let (end, overflow) = start.addingReportingOverflow(size)
    guard size > 0, !overflow else { return }
    let name = try driver.member("format_name").string() ?? "driver"
    states.append((start..<end, Owner(node: node, member: "\(name) state")))
  }

  private mutating func readRequest(
    _ request: TypedAddress, of blockNode: WaitNode, isDrained: Bool
  ) throws(StructureError) {
    let node = try Self.requestNode(request)
    queues[try request.member("wait_queue").address] = Owner(node: node, member: "wait_queue")
    let coroutine = WaitNode(.coroutine, VirtualAddress(try request.member("co").unsigned()))
    guard coroutine.address.rawValue != 0 else { return }
    edges.append(WaitEdge(node, .isDoneBy, coroutine, source: .debugInformation))
    if let other = try request.member("waiting_for").pointee() {
      edges.append(
        WaitEdge(
          coroutine, .waitsForRequest, try Self.requestNode(other), source: .debugInformation))
    }
    if isDrained {
      edges.append(WaitEdge(blockNode, .drains, node, source: .debugInformation))
    }
  }

  /// A request, named by what it does: its kind, offset and length in bytes.
  private static func requestNode(_ request: TypedAddress) throws(StructureError) -> WaitNode {
    let kinds = ["read", "write", "discard", "truncate"]
    let kind = try request.member("type").unsigned()
    let name = kind < UInt64(kinds.count) ? kinds[Int(kind)] : "kind \(kind)"
    let offset = try request.member("offset").unsigned()
    let bytes = try request.member("bytes").unsigned()
    let place = try request.member("bs").pointee()?.member("node_name").inlineString() ?? ""
    let suffix = place.isEmpty ? "" : " of \(place)"
    return WaitNode(
      .request, request.address, name: "\(name) of \(bytes) bytes at \(hex(offset))\(suffix)")
  }

  private mutating func readBackends(_ structures: QEMUStructures) throws(StructureError) {
    let head = try structures.global(["block_backends"], in: "block-backend.c")
    for backend in elements(
      of: head, first: "tqh_first", link: "link.tqe_next", "block_backends")
    {
      let name = try backend.member("name").string() ?? ""
      let node = WaitNode(.blockBackend, backend.address, name: name.isEmpty ? nil : name)
      queues[try backend.member("queued_requests").address] = Owner(
        node: node, member: "queued_requests")
      guard try backend.member("quiesce_counter").unsigned() > 0,
        let root = try backend.member("root").pointee(), let state = try root.member("bs").pointee()
      else { continue }
      let stateName = try state.member("node_name").inlineString()
      edges.append(
        WaitEdge(
          node, .drains,
          WaitNode(.blockNode, state.address, name: stateName.isEmpty ? nil : stateName),
          source: .debugInformation))
    }
  }

  private mutating func readThrottleGroups(_ structures: QEMUStructures) throws(StructureError) {
    let head = try structures.global(["throttle_groups"], in: "throttle-groups.c")
    for group in elements(of: head, first: "tqh_first", link: "list.tqe_next", "throttle_groups") {
      let node = WaitNode(
        .throttleGroup, group.address, name: try group.member("name").string())
      for member in elements(
        of: try group.member("head"), first: "lh_first", link: "round_robin.le_next",
        "the members of \(node)")
      {
        try addLock(try member.member("throttled_reqs_lock"), node, "throttled_reqs_lock")
        for (index, kind) in ["reads", "writes"].enumerated() {
          let queue = try member.member("throttled_reqs").element(UInt64(index))
          queues[queue.address] = Owner(node: node, member: "throttled \(kind)")
        }
      }
      for index in 0..<UInt64(2)
      where try group.member("any_timer_armed").element(index).unsigned() != 0 {
        edges.append(
          WaitEdge(
            node, .sleepsUntil, WaitNode(.timer, group.address, name: "the throttle group"),
            source: .debugInformation))
      }
    }
  }

  private mutating func readJobs(_ structures: QEMUStructures) throws(StructureError) {
    let head = try structures.global(["jobs"], in: "job.c")
    for job in elements(of: head, first: "lh_first", link: "job_list.le_next", "jobs") {
      let node = WaitNode(.job, job.address, name: try job.member("id").string())
      let coroutine = WaitNode(.coroutine, VirtualAddress(try job.member("co").unsigned()))
      guard coroutine.address.rawValue != 0 else { continue }
      if try job.member("paused").unsigned() != 0 {
        edges.append(WaitEdge(coroutine, .isPaused, node, source: .debugInformation))
      } else {
        edges.append(WaitEdge(node, .isDoneBy, coroutine, source: .debugInformation))
      }
    }
  }
}
