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
    let ring = try PrintkRing(
      try PrintkRingLayout(VMCoreInfo(text: ringInfo)), at: start, in: memory)
    _ = ring.log(limit: 4096)
  }
  attempt { () throws(KernelLogError) in
    let place = PrintkBufferPlace(
      address: start &+ 8, size: UInt64(max(bytes.count, 8) - 8), first: word(bytes, 0),
      next: word(bytes, 4), firstSequence: 0)
    _ = try PrintkBuffer(
      try PrintkBufferLayout(VMCoreInfo(text: bufferInfo)), at: place, in: memory
    )
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
  OFFSET(atomic_long_t.counter)=0
  OFFSET(dev_printk_info.device)=16
  OFFSET(dev_printk_info.subsystem)=0
  OFFSET(prb_data_blk_lpos.begin)=0
  OFFSET(prb_data_blk_lpos.next)=8
  OFFSET(prb_data_ring.data)=8
  OFFSET(prb_data_ring.head_lpos)=16
  OFFSET(prb_data_ring.size_bits)=0
  OFFSET(prb_data_ring.tail_lpos)=24
  OFFSET(prb_desc.state_var)=0
  OFFSET(prb_desc.text_blk_lpos)=8
  OFFSET(prb_desc_ring.count_bits)=0
  OFFSET(prb_desc_ring.descs)=8
  OFFSET(prb_desc_ring.head_id)=24
  OFFSET(prb_desc_ring.infos)=16
  OFFSET(prb_desc_ring.tail_id)=32
  OFFSET(printk_info.caller_id)=20
  OFFSET(printk_info.dev_info)=24
  OFFSET(printk_info.seq)=0
  OFFSET(printk_info.text_len)=16
  OFFSET(printk_info.ts_nsec)=8
  OFFSET(printk_ringbuffer.desc_ring)=0
  OFFSET(printk_ringbuffer.fail)=80
  OFFSET(printk_ringbuffer.text_data_ring)=48
  SIZE(atomic_long_t)=8
  SIZE(dev_printk_info)=64
  SIZE(prb_data_blk_lpos)=16
  SIZE(prb_data_ring)=32
  SIZE(prb_desc)=24
  SIZE(prb_desc_ring)=48
  SIZE(printk_info)=88
  SIZE(printk_ringbuffer)=88
  """

/// What Linux 5.4 for x86-64 says.
private let bufferInfo = """
  SIZE(printk_log)=16
  OFFSET(printk_log.ts_nsec)=0
  OFFSET(printk_log.len)=8
  OFFSET(printk_log.text_len)=10
  OFFSET(printk_log.dict_len)=12
  """
