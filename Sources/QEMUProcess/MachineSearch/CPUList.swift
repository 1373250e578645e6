import Bytes

/// QEMU's list of CPUs (`cpus`; `cpus_queue` since 8.2), found by its shape: a `QTAILQ`
/// (include/qemu/queue.h) that hangs on a variable.
///
///     variable              CPUState                 CPUState
///     tqh_first ──────────▶ … tqe_next ────────────▶ … tqe_next ──▶ 0
///     tql_prev  ──┐           tql_prev ──▶ variable    tql_prev ──▶ first's tqe_next
///                 └──────────────────────────────────▶ last's tqe_next
struct CPUList: Hashable, Sendable {
  /// The variable's address.
  let head: UInt64
  /// The `CPUState`s, which their objects begin with, in QEMU's order.
  let objects: [UInt64]
  /// Where in a `CPUState` its link is.
  let link: UInt64
  /// The objects' QOM type: `qemu64-x86_64-cpu`.
  let type: String

  /// No machine has more CPUs.
  static let limit = 1 << 14
  /// A `CPUState`'s link is within its first bytes: at 584 in 7.2, but after a table of 32 KiB in
  /// releases before 7.2.
  private static let reach: UInt64 = 64 << 10

  /// All lists of x86 CPUs that hang on `pointers`.
  static func search(_ pointers: GlobalPointers, _ probe: Probe) -> [CPUList] {
    let all = pointers.pointers
    return all.indices.dropLast().compactMap { index in
      let first = all[index]
      let last = all[index + 1]
      guard last.address == first.address &+ 8, last.target != 0,
        probe.word(at: last.target) == 0, let type = probe.objectType(at: first.target),
        type.hasSuffix("-x86_64-cpu")
      else { return nil }
      for offset in probe.bytes(at: first.target, upTo: reach).offsets(of: first.address)
      where offset >= 8 {
        if let list = CPUList(first, last: last.target, link: offset - 8, type, probe) {
          return list
        }
      }
      return nil
    }
  }

  private init?(
    _ first: GlobalPointers.Pointer, last: UInt64, link: UInt64, _ type: String, _ probe: Probe
  ) {
    var objects: [UInt64] = []
    var object = first.target
    var previous = first.address
    while object != 0 {
      // Each element names its one predecessor, so no list that passes can have a cycle.
      guard objects.count < Self.limit, probe.word(at: object &+ link &+ 8) == previous,
        probe.objectType(at: object)?.hasSuffix("-x86_64-cpu") == true,
        let next = probe.word(at: object &+ link)
      else { return nil }
      objects.append(object)
      previous = object &+ link
      object = next
    }
    guard previous == last else { return nil }
    head = first.address
    self.objects = objects
    self.link = link
    self.type = type
  }
}
