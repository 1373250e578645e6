import FuzzSupport
import Varve

/// The bytes as memory that begins with a `struct printk_ringbuffer`, and as a log buffer of kernels
/// up to 5.9.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzPrintk(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
  let bytes = unsafe copied(data, size)
  let start = VirtualAddress(0xffff_8880_0000_0000)
  let memory = FuzzMemory(bytes, at: start)
  attempt { () throws(KernelLogError) in
    let ring = try PrintkRing(try PrintkRingLayout(VMCoreInfo(text: ringInfo)), at: start, in: memory)
    _ = ring.log(limit: 4096)
  }
  attempt { () throws(KernelLogError) in
    let place = PrintkBufferPlace(
      address: start &+ 8, size: UInt64(max(bytes.count, 8) - 8), first: word(bytes, 0),
      next: word(bytes, 4), firstSequence: 0)
    _ = try PrintkBuffer(try PrintkBufferLayout(VMCoreInfo(text: bufferInfo)), at: place, in: memory)
      .log()
  }
  return 0
}

private func word(_ bytes: ByteView, _ offset: UInt64) -> UInt64 {
  var value: UInt64 = 0
  attempt { () throws(ByteError) in value = UInt64(try bytes.load(UInt32.self, at: offset)) }
  return value
}

/// What Linux 6.1 for x86-64 says (kernel/printk/printk.c, `log_buf_vmcoreinfo_setup`).
private let ringInfo = """
