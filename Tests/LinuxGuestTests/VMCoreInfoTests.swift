import Bytes
import LinuxGuest
import Testing

@Suite struct VMCoreInfoTests {
  @Test func readsSymbolsNumbersAndOffsets() {
    let info = VMCoreInfo(
      text: "OSRELEASE=6.1.0\nSYMBOL(swapper_pg_dir)=ffffffff8200a000\nNUMBER(phys_base)=-4096\n"
        + "KERNELOFFSET=1f000000\nOSRELEASE=second\nno equals sign\n")
    #expect(info.release == "6.1.0")
    #expect(info.symbol("swapper_pg_dir") == VirtualAddress(0xffff_ffff_8200_a000))
    #expect(info.number("phys_base") == -4096)
    #expect(info.kernelOffset == 0x1f00_0000)
    #expect(info["MISSING"] == nil)
  }
}
