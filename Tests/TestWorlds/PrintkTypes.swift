/// The log's structures in BTF.
public enum PrintkTypes {
  /// Those of kernels from 5.10; with `hasExecutionContext` `printk_info` has what 7.0 can add, behind
  /// `caller_id`.
  public static func ring(hasExecutionContext: Bool = false) -> BTFAssembler {
    var btf = BTFAssembler()
    let long = btf.integer("long unsigned int", size: 8)
    let int = btf.integer("unsigned int", size: 4)
    let short = btf.integer("short unsigned int", size: 2)
    let byte = btf.integer("unsigned char", size: 1)
    let char = btf.integer("char", size: 1)
    let atomic = btf.typedef(
      "atomic_long_t", of: btf.record("", size: 8, [("counter", long, 0)]))
    let pointer = btf.pointer(to: 0)
    let descriptors = btf.record(
      "prb_desc_ring", size: 48,
      [
        ("count_bits", int, 0), ("descs", pointer, 64), ("infos", pointer, 128),
        ("head_id", atomic, 192), ("tail_id", atomic, 256), ("last_finalized_seq", atomic, 320),
      ])
    let texts = btf.record(
      "prb_data_ring", size: 32,
      [
        ("size_bits", int, 0), ("data", pointer, 64), ("head_lpos", atomic, 128),
        ("tail_lpos", atomic, 192),
      ])
    btf.record(
      "printk_ringbuffer", size: 88,
      [("desc_ring", descriptors, 0), ("text_data_ring", texts, 384), ("fail", atomic, 640)])
    let block = btf.record("prb_data_blk_lpos", size: 16, [("begin", long, 0), ("next", long, 64)])
    btf.record("prb_desc", size: 24, [("state_var", atomic, 0), ("text_blk_lpos", block, 64)])
    let device = btf.record(
      "dev_printk_info", size: 64,
      [
        ("subsystem", btf.array(of: char, count: 16), 0),
        ("device", btf.array(of: char, count: 48), 128),
      ])
    let more: [(String, UInt32, UInt32)] =
      hasExecutionContext
      ? [("caller_id2", int, 192), ("comm", btf.array(of: char, count: 16), 224)] : []
    let rest: UInt32 = hasExecutionContext ? 352 : 192
    btf.record(
      "printk_info", size: hasExecutionContext ? 112 : 88,
      [
        ("seq", long, 0), ("ts_nsec", long, 64), ("text_len", short, 128),
        ("facility", byte, 144), ("flags", byte, 5 << 24 | 152), ("level", byte, 3 << 24 | 157),
        ("caller_id", int, 160),
      ] + more + [("dev_info", device, rest)], flag: true)
    return btf
  }

  /// `struct printk_log` of kernels up to 5.9.
  public static func buffer(hasCaller: Bool) -> BTFAssembler {
    var btf = BTFAssembler()
    let long = btf.integer("long long unsigned int", size: 8)
    let int = btf.integer("unsigned int", size: 4)
    let short = btf.integer("short unsigned int", size: 2)
    let byte = btf.integer("unsigned char", size: 1)
    btf.record(
      "printk_log", size: hasCaller ? 20 : 16,
      [
        ("ts_nsec", long, 0), ("len", short, 64), ("text_len", short, 80), ("dict_len", short, 96),
        ("facility", byte, 112), ("flags", byte, 5 << 24 | 120), ("level", byte, 3 << 24 | 125),
      ] + (hasCaller ? [("caller_id", int, 128)] : []), flag: true)
    return btf
  }
}
