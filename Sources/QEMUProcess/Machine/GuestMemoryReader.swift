import Bytes
import Targets

extension GuestMemoryLayout {
  /// Where the guest's memory is, by QEMU's variables.
  public init(_ structures: QEMUStructures) throws(QEMUError) {
    throw .noVariable("ram_list")
  }
}
