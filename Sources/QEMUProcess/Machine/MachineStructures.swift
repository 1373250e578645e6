import Bytes
import Targets

extension QEMUMachine {
  /// What the variables of the QEMU in `process` say of its machine, by its program's debug
  /// information.
  static func byDebugInformation(
    in process: Process
  ) throws(MachineError) -> MachineFindings {
    guard let structures = QEMUStructures(process) else { throw .noDebugInformation }
    do throws(QEMUError) {
      return try MachineFindings(structures)
    } catch {
      throw .structures(error)
    }
  }
}

extension MachineFindings: StructureReading {
  /// What QEMU's variables say. What can't be read of CPUs, type and note is told in the
  /// diagnostics; without the map of memory there is no machine.
  public init(_ structures: QEMUStructures) throws(QEMUError) {
    self.init(layout: try GuestMemoryLayout(structures), cpus: [])
    var accelerator: CurrentMachine.Accelerator?
    collect("the machine") { (findings: inout Self) throws(QEMUError) in
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
    collect("the machine's type") { (findings: inout Self) throws(QEMUError) in
      findings.type = try machine.type()
    }
    collect("the device vmcoreinfo") { (findings: inout Self) throws(QEMUError) in
      findings.vmcoreInfo = try machine.vmcoreInfo()
      if let place = findings.vmcoreInfo {
        findings.evidence.append("VMCOREINFO at \(place.start) by the device vmcoreinfo")
      }
    }
  }
}
