internal import Bytes
internal import Targets

/// The run queue of one CPU (`runqueues`, kernel/sched/sched.h).
struct RunQueue: Sendable {
  let cpu: Int
  private let object: TypedAddress

  /// Those of all CPUs that are plugged in. A kernel that panics marks all others as offline, but
  /// they still have tasks.
  static func all(of kernel: LinuxKernel) throws(StructureError) -> [RunQueue] {
    var found: [RunQueue] = []
    for cpu in try kernel.cpus(.present) {
      found.append(
        RunQueue(cpu: cpu, object: try kernel.perCPU("runqueues", "struct rq", cpu: cpu)))
    }
    return found
  }

  /// What the CPU runs when there is nothing to run.
  func idle() throws(StructureError) -> VirtualAddress? {
    try object.member("idle").pointee()?.address
  }

  /// What the CPU runs right now. While it switches, that is the one to come.
  func current() throws(StructureError) -> VirtualAddress? {
    try object.member("curr").pointee()?.address
  }
}
