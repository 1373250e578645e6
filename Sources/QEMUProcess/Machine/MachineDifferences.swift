import Bytes
import Targets

extension MachineFindings {
  /// In what `other`, found by another way, differs from this, a line each.
  func differences(from other: MachineFindings) -> [String] {
    []
  }
}
