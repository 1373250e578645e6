import Bytes
import LinuxGuest
import Targets
import Testing

/// On the laboratory's real guests.
@Suite struct RealVMCoreInfoSearchTests {
  /// The text found equals, byte for byte, what the guest's driver gave to QEMU.
  @Test(arguments: QMPDump.small) func findsWhatTheDriverTold(_ dump: QMPDump) throws {
    let machine = try dump.machine()
    let found = try #require(VMCoreInfoSearch(machine).find())
    if dump.hasNote {
      #expect(found.bytes.copy() == machine.vmcoreInfo?.copy())
    }
    print(found.evidence, found.rejected)
  }
}
