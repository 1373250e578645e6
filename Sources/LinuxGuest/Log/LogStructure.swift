/// A structure of the log's, with the members that are read.
struct LogStructure {
  /// As C spells it.
  let type: String
  /// `SIZE(…)` in VMCOREINFO.
  let sizeKey: String
  let members: [Member: LogMember]

  /// What is read of any of the structures.
  enum Member: Int, CaseIterable {
    // printk_ringbuffer
    case countBits, descriptors, infos, headID, tailID, sizeBits, data
    // prb_desc
    case state, begin, next
    // printk_info and printk_log
    case sequence, time, length, textLength, dictionaryLength, facility, flags, level, caller
    case otherCaller, callerName, subsystem, device
  }
}

/// How to find one member of a structure of the log's.
struct LogMember {
  /// By types: names joined by dots.
  let path: String
  /// By VMCOREINFO, where there are no types: the distances to add up, the bits beyond that, and
  /// how many bits. `OFFSET(…)` keys; empty if VMCOREINFO doesn't tell.
  let offsets: [String]
  let skippedBits: UInt64
  let bits: Bits
  /// Kernels exist that lack it.
  let isOptional: Bool

  enum Bits {
    case count(UInt64)
    /// An array of bytes, whose length has a `LENGTH(…)` line.
    case length(String)
  }

  init(
    _ path: String, _ offsets: [String], skipping skippedBits: UInt64 = 0, _ bits: Bits,
    isOptional: Bool = false
  ) {
    self.path = path
    self.offsets = offsets
    self.skippedBits = skippedBits
    self.bits = bits
    self.isOptional = isOptional
  }
}

extension LogStructure {
  /// From 5.10: kernel/printk/printk_ringbuffer.h; VMCOREINFO's lines by
  /// `log_buf_vmcoreinfo_setup()`, kernel/printk/printk.c.
  static let ring = LogStructure(
    type: "struct printk_ringbuffer", sizeKey: "printk_ringbuffer",
    members: [
      .countBits: descriptorRing("count_bits", 32),
      .descriptors: descriptorRing("descs", 64),
      .infos: descriptorRing("infos", 64),
      .headID: descriptorRing("head_id", 64),
      .tailID: descriptorRing("tail_id", 64),
      .sizeBits: dataRing("size_bits", 32),
      .data: dataRing("data", 64),
    ])

  private static func descriptorRing(_ name: String, _ bits: UInt64) -> LogMember {
    LogMember(
      "desc_ring." + name, ["printk_ringbuffer.desc_ring", "prb_desc_ring." + name], .count(bits))
  }

  private static func dataRing(_ name: String, _ bits: UInt64) -> LogMember {
    LogMember(
      "text_data_ring." + name, ["printk_ringbuffer.text_data_ring", "prb_data_ring." + name],
      .count(bits))
  }

  static let descriptor = LogStructure(
    type: "struct prb_desc", sizeKey: "prb_desc",
    members: [
      .state: LogMember("state_var", ["prb_desc.state_var"], .count(64)),
      .begin: LogMember(
        "text_blk_lpos.begin", ["prb_desc.text_blk_lpos", "prb_data_blk_lpos.begin"], .count(64)),
      .next: LogMember(
        "text_blk_lpos.next", ["prb_desc.text_blk_lpos", "prb_data_blk_lpos.next"], .count(64)),
    ])

  /// VMCOREINFO doesn't tell where facility, flags and level are: they follow `text_len` in every
  /// kernel that has this structure.
  static let info = LogStructure(
    type: "struct printk_info", sizeKey: "printk_info",
    members: [
      .sequence: LogMember("seq", ["printk_info.seq"], .count(64)),
      .time: LogMember("ts_nsec", ["printk_info.ts_nsec"], .count(64)),
      .textLength: LogMember("text_len", ["printk_info.text_len"], .count(16)),
      .facility: LogMember("facility", ["printk_info.text_len"], skipping: 16, .count(8)),
      .flags: LogMember("flags", ["printk_info.text_len"], skipping: 24, .count(5)),
      .level: LogMember("level", ["printk_info.text_len"], skipping: 29, .count(3)),
      .caller: LogMember("caller_id", ["printk_info.caller_id"], .count(32), isOptional: true),
      .subsystem: LogMember(
        "dev_info.subsystem", ["printk_info.dev_info", "dev_printk_info.subsystem"],
        .length("printk_info_subsystem"), isOptional: true),
      .device: LogMember(
        "dev_info.device", ["printk_info.dev_info", "dev_printk_info.device"],
        .length("printk_info_device"), isOptional: true),
      // From 7.0 with CONFIG_PRINTK_EXECUTION_CTX; VMCOREINFO says nothing of them.
      .otherCaller: LogMember("caller_id2", [], .count(32), isOptional: true),
      .callerName: LogMember("comm", [], .count(128), isOptional: true),
    ])

  /// Up to 5.9: `struct printk_log`, kernel/printk/printk.c. `caller_id` is from 5.1, and there only
  /// with CONFIG_PRINTK_CALLER.
  static let oldRecord = LogStructure(
    type: "struct printk_log", sizeKey: "printk_log",
    members: [
      .time: LogMember("ts_nsec", ["printk_log.ts_nsec"], .count(64)),
      .length: LogMember("len", ["printk_log.len"], .count(16)),
      .textLength: LogMember("text_len", ["printk_log.text_len"], .count(16)),
      .dictionaryLength: LogMember("dict_len", ["printk_log.dict_len"], .count(16)),
      .facility: LogMember("facility", ["printk_log.dict_len"], skipping: 16, .count(8)),
      .flags: LogMember("flags", ["printk_log.dict_len"], skipping: 24, .count(5)),
      .level: LogMember("level", ["printk_log.dict_len"], skipping: 29, .count(3)),
      .caller: LogMember("caller_id", ["printk_log.caller_id"], .count(32), isOptional: true),
    ])
}
