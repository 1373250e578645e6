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

extension MachineFindings {
  /// What QEMU's variables say. What can't be read of CPUs, type and note is told in the
  /// diagnostics; without the map of memory there is no machine.
  public init(_ structures: QEMUStructures) throws(QEMUError) {
    self.init(layout: try GuestMemoryLayout(structures), cpus: [])
  }
}
