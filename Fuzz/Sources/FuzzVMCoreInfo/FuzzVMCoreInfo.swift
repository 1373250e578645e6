import FuzzSupport
import Varve

/// VMCOREINFO's text, and what is read by it.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzVMCoreInfo(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
  let info = VMCoreInfo(text: String(decoding: unsafe copied(data, size)))
  _ = info.release
  _ = info.kernelOffset
  _ = info.symbol("swapper_pg_dir")
  _ = info.number("phys_base")
  _ = info.offset("page.flags")
  _ = info.size("page")
  _ = info.length("mem_section")
  attempt { () throws(KernelLogError) in _ = try PrintkRingLayout(info) }
  attempt { () throws(KernelLogError) in _ = try PrintkBufferLayout(info) }
  return 0
}
