public import Bytes

/// The log of kernels from 5.10: a ring of descriptors, a ring of texts, and beside each descriptor
/// what is known of its record.
///
///     prb → printk_ringbuffer
///             desc_ring: count_bits, descs, infos, head_id, tail_id
///             text_data_ring: size_bits, data
///
///     descs[id % count]   state_var: state (2 bits), id (62 bits)
///                         begin, next: where its text's block is
///     infos[id % count]   seq, ts_nsec, text_len, facility, flags, level, caller_id, …
///     data                blocks: id, text (see `PrintkBlock`)
///
/// Records are shown in the kernel's order, from `tail_id` to `head_id`. Where these can't be true,
/// all descriptors are looked at, and the records' own numbers give the order.
public struct PrintkRing<Source: Memory>: Sendable {
  let layout: PrintkRingLayout
  let memory: Source
  let descriptors: VirtualAddress
  let infos: VirtualAddress
  let text: VirtualAddress
  /// As powers of two: how many descriptors, how many bytes of text.
  let countBits: UInt64
  let sizeBits: UInt64
  let headID: UInt64
  let tailID: UInt64

  /// The largest log that kernels make: 2³¹ bytes of text, 2⁵ bytes each record (`LOG_BUF_LEN_MAX`,
  /// `PRB_AVGBITS`, kernel/printk/printk.c).
  private static var countLimit: UInt64 { 26 }
  private static var sizeLimit: UInt64 { 31 }

  /// The ring at `address`: what the variable `prb` points at.
  public init(
    _ layout: PrintkRingLayout, at address: VirtualAddress, in memory: Source
  ) throws(KernelLogError) {
    self.layout = layout
    self.memory = memory
    let ring: LogElement
    do throws(MemoryFault) {
      ring = LogElement(
        bytes: try memory.read(address, count: layout.ring.size), layout: layout.ring)
    } catch {
      throw .memory(what: "the log's ring", error)
    }
    do throws(ByteError) {
      descriptors = VirtualAddress(try ring.required(.descriptors))
      infos = VirtualAddress(try ring.required(.infos))
      text = VirtualAddress(try ring.required(.data))
      countBits = try ring.required(.countBits)
      sizeBits = try ring.required(.sizeBits)
      headID = try ring.required(.headID) & PrintkState.idMask
      tailID = try ring.required(.tailID) & PrintkState.idMask
    } catch {
      throw .memory(what: "the log's ring", MemoryFault(address: address, reason: .unmapped))
    }
    guard countBits > 0, countBits <= Self.countLimit else {
      throw .implausible(what: "the log's count_bits", value: countBits, address: address)
    }
    guard sizeBits > 3, sizeBits <= Self.sizeLimit else {
      throw .implausible(what: "the log's size_bits", value: sizeBits, address: address)
    }
  }

  /// How many descriptors there are.
  var count: UInt64 { 1 << countBits }

  /// How many descriptors lie from tail to head, both included; nil if that is more than there are.
  var used: UInt64? {
    let used = ((headID &- tailID) & PrintkState.idMask) + 1
    return used <= count ? used : nil
  }

  /// All that can be read of the log. Of more than `limit` records only the newest are.
  public func log(limit: UInt64 = 1 << 20) -> KernelLog {
    var reader = PrintkRingReader(ring: self)
    if let used {
      let shown = min(used, limit)
      if shown < used { reader.damage.add("the \(used - shown) oldest log records were left out") }
      reader.read(from: (headID &- (shown - 1)) & PrintkState.idMask, count: shown)
    }
    if used == nil || reader.records.isEmpty {
      // `_prb_init` leaves one descriptor between head and tail, which is free.
      let isEmpty = used == 1 && reader.damage.count == 0 && reader.unfinished == 0
      if !isEmpty { reader.readAll(limit: limit) }
    }
    return reader.log
  }
}

/// `state_var`: what a descriptor is used for (enum desc_state, kernel/printk/printk_ringbuffer.h).
enum PrintkState: UInt64 {
  /// A record is being written.
  case reserved = 0
  /// It is written, but may be appended to.
  case committed = 1
  case finalized = 2
  /// Its record has given way to newer ones.
  case reusable = 3

  static let idMask: UInt64 = 1 << 62 - 1

  init(_ word: UInt64) {
    self =
      switch word >> 62 {
      case 0: .reserved
      case 1: .committed
      case 2: .finalized
      default: .reusable
      }
  }
}
