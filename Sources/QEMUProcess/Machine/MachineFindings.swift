public import Bytes
public import Targets

/// Where a guest's driver told QEMU that its VMCOREINFO note is.
public struct VMCoreInfoPlace: Hashable, Sendable {
  public let start: PhysicalAddress
  /// Of the note with its header, in bytes.
  public let count: UInt64

  public init(start: PhysicalAddress, count: UInt64) {
    self.start = start
    self.count = count
  }
}

/// All that one way of looking found of the machine in a QEMU process.
public struct MachineFindings: Sendable {
  public var layout: GuestMemoryLayout
  /// In ascending order of their indices.
  public var cpus: [VCPU]
  /// `pc-i440fx-7.2`; nil if unknown.
  public var type: String?
  /// Nil if the guest told none, or if that isn't known.
  public var vmcoreInfo: VMCoreInfoPlace?
  /// How type, CPUs and note were found, a line each; the layout has its own.
  public var evidence: [String]
  public var diagnostics: [String]

  public init(
    layout: GuestMemoryLayout, cpus: [VCPU], type: String? = nil,
    vmcoreInfo: VMCoreInfoPlace? = nil, evidence: [String] = [], diagnostics: [String] = []
  ) {
    self.layout = layout
    self.cpus = cpus
    self.type = type
    self.vmcoreInfo = vmcoreInfo
    self.evidence = evidence
    self.diagnostics = diagnostics
  }
}

extension MachineFindings: StructureReading {
  /// What QEMU's variables say. What can't be read of CPUs, type and note is told in the
  /// diagnostics; without the map of memory there is no machine.
  public init(_ structures: QEMUStructures) throws(StructureError) {
    self.init(layout: try GuestMemoryLayout(structures), cpus: [])
    var accelerator: CurrentMachine.Accelerator?
    collect("the machine") { (findings: inout Self) throws(StructureError) in
      let machine = try CurrentMachine(structures)
      findings.readMachine(machine)
      accelerator = try machine.accelerator()
    }
    let reader = VCPUReader(structures, accelerator: accelerator)
    cpus = reader.cpus
    diagnostics += reader.diagnostics
  }

  private mutating func readMachine(_ machine: CurrentMachine) {
    evidence.append("the machine at \(machine.address) by current_machine")
    collect("the machine's type") { (findings: inout Self) throws(StructureError) in
      findings.type = try machine.type()
    }
    collect("the device vmcoreinfo") { (findings: inout Self) throws(StructureError) in
      findings.vmcoreInfo = try machine.vmcoreInfo()
      if let place = findings.vmcoreInfo {
        findings.evidence.append("VMCOREINFO at \(place.start) by the device vmcoreinfo")
      }
    }
  }
}
