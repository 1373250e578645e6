import Bytes
import Targets

/// Reads QEMU's list of CPUs.
struct VCPUReader: StructureReading {
  private let structures: QEMUStructures
  private let accelerator: CurrentMachine.Accelerator?
  private(set) var cpus: [VCPU] = []
  var diagnostics: [String] = []

  init(_ structures: QEMUStructures, accelerator: CurrentMachine.Accelerator?) {
    self.structures = structures
    self.accelerator = accelerator
    collect("the CPUs") { (reader: inout Self) throws(StructureError) in
      try reader.readList()
    }
    cpus.sort { $0.index < $1.index }
  }

  private mutating func readList() throws(StructureError) {
    let names = MachineNames.cpuList.names
    guard let head = try structures.global(names, in: "cpu-common.c", "cpus-common.c") else {
      throw .noVariable(names.joined(separator: " or "))
    }
    let walk = ListWalk(head: head, first: "tqh_first", link: "node.tqe_next")
    if let problem = walk.problem { diagnostics.append("the CPUs: \(problem)") }
    for element in walk.elements {
      collect("the CPU at \(element.address)") { (reader: inout Self) throws(StructureError) in
        try reader.read(element)
      }
    }
  }

  private mutating func read(_ common: TypedAddress) throws(StructureError) {
    guard let cpu = try x86(at: common.address) else {
      throw .wrongType(wanted: "x86 CPU", address: common.address)
    }
    let index = Int(truncatingIfNeeded: try common.member("cpu_index").signed())
    let (freshness, reason) = try freshness(of: common)
    var reader = X86StateReader(
      try cpu.member("env"), in: structures, accelerator: accelerator,
      isInsideLoop: freshness == .torn)
    reader.readAPIC(at: VirtualAddress(try cpu.member("apic_state").unsigned()))
    diagnostics += reader.diagnostics.map { "CPU \(index): \($0)" }
    cpus.append(
      VCPU(
        index: index, x86: reader.state, freshness: freshness,
        isHalted: try common.member("halted").isTrue(),
        evidence: [
          "\(cpu.address) in QEMU's list of CPUs, thread \(try common.member("thread_id").signed())"
        ] + reason))
  }

  private func x86(at address: VirtualAddress) throws(StructureError) -> TypedAddress? {
    for name in MachineNames.x86CPU.names {
      if let cpu = try structures.structure(name, in: "cpu.c", at: address),
        try cpu.byteCount() != nil
      {
        return cpu
      }
    }
    return nil
  }

  /// How current QEMU's copy of the registers is, and why.
  ///
  /// `running` is set while the CPU's thread executes guest code or is about to
  /// (`cpu_exec_start`). Within it, TCG keeps rip and flags in the host's registers or leaves them as
  /// they were at the start of a chain of blocks, and the true ones are only known at its end.
  /// Hardware has the registers unless QEMU fetched them since and hasn't run the CPU again
  /// (`vcpu_dirty`).
  private func freshness(of cpu: TypedAddress) throws(StructureError) -> (VCPU.Freshness, [String])
  {
    switch accelerator {
    case .tcg:
      if try cpu.member("running").isTrue() {
        return (
          .torn,
          ["its thread was executing translated code: rip and flags are of an earlier moment"]
        )
      }
      return (.current, [])
    case .hardware(let name):
      if try cpu.member("vcpu_dirty").isTrue() { return (.current, []) }
      return (.stale, ["the registers were \(name)'s; these are what QEMU fetched last"])
    case nil:
      return (.unknown, ["it isn't known what executed the guest's code"])
    }
  }
}
