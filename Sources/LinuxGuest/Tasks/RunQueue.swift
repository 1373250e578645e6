internal import Bytes
internal import Symbols
internal import Targets

/// The run queue of one CPU (`runqueues`, kernel/sched/sched.h).
struct RunQueue: Sendable {
  let cpu: Int
  private let object: TypedAddress

  /// Those of all CPUs that have ever run.
  static func all(of kernel: LinuxKernel) throws(StructureError) -> [RunQueue] {
    guard let queues = kernel.symbols.symbol(named: "runqueues"),
      let offsets = kernel.symbols.symbol(named: "__per_cpu_offset")
    else { throw .noVariable("runqueues") }
    var found: [RunQueue] = []
    for cpu in 0..<kernel.machine.cpus.count {
      let place = VirtualAddress(offsets.address) &+ UInt64(cpu) * 8
      let offset = try kernel.object("unsigned long", at: place).unsigned()
      found.append(
        RunQueue(
          cpu: cpu,
          object: try kernel.object("struct rq", at: VirtualAddress(queues.address) &+ offset)))
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

extension LinuxKernel {
  /// What is to be added to the address of a variable that every CPU has for itself, by CPU.
  func perCPUOffsets() throws(StructureError) -> [UInt64] {
    guard let offsets = symbols.symbol(named: "__per_cpu_offset") else {
      throw .noVariable("__per_cpu_offset")
    }
    var found: [UInt64] = []
    for cpu in 0..<machine.cpus.count {
      let place = VirtualAddress(offsets.address) &+ UInt64(cpu) * 8
      found.append(try object("unsigned long", at: place).unsigned())
    }
    return found
  }
}
