/// A printk ring that is written as kernels from 5.10 write theirs: descriptors and blocks of text are
/// taken from the heads of two rings, and old ones are given up at the tails.
public struct PrintkRingWorld: Sendable {
  public struct Record: Hashable, Sendable {
    public var sequence: UInt64
    public var nanoseconds: UInt64
    public var level: UInt8 = 6
    public var facility: UInt8 = 0
    public var flags: UInt8 = 0
    public var caller: UInt32 = 1
    public var subsystem = ""
    public var device = ""
    public var text: String
  }

  private struct Descriptor {
    var state: UInt64 = 0
    var begin: UInt64 = 0
    var next: UInt64 = 0
  }

  public static let ring: UInt64 = 0xffff_8880_0001_0000
  public static let descriptors: UInt64 = 0xffff_8880_0010_0000
  public static let infos: UInt64 = 0xffff_8880_0020_0000
  public static let data: UInt64 = 0xffff_8880_0080_0000
  public static let infoSize = 88

  public let countBits: UInt32
  public let sizeBits: UInt32
  /// From 6.18 on a block may end where the ring does.
  private let fitsPerfectly: Bool
  private var slots: [Descriptor]
  public private(set) var infoBytes: [UInt8]
  public private(set) var dataBytes: [UInt8]
  public private(set) var headID: UInt64
  public private(set) var tailID: UInt64
  private var headPosition: UInt64
  private var tailPosition: UInt64
  private var nextSequence: UInt64 = 0
  private var all: [UInt64: Record] = [:]

  private static let idMask: UInt64 = 1 << 62 - 1
  private var count: UInt64 { 1 << UInt64(countBits) }
  private var size: UInt64 { 1 << UInt64(sizeBits) }

  public init(countBits: UInt32 = 5, sizeBits: UInt32 = 10, fitsPerfectly: Bool = false) {
    self.countBits = countBits
    self.sizeBits = sizeBits
    self.fitsPerfectly = fitsPerfectly
    let (count, size) = (UInt64(1) << UInt64(countBits), UInt64(1) << UInt64(sizeBits))
    slots = Array(repeating: Descriptor(), count: Int(count))
    infoBytes = Array(repeating: 0, count: Int(count) * Self.infoSize)
    dataBytes = Array(repeating: 0, count: Int(size))
    // `DESC0_ID`, `BLK0_LPOS`: both overflow soon.
    headID = (0 &- (count + 1)) & Self.idMask
    tailID = headID
    headPosition = 0 &- size
    tailPosition = headPosition
    slots[Int(count) - 1] = Descriptor(state: 3 << 62 | headID, begin: 1, next: 1)
  }

  /// What a reader must find: finished, and neither its descriptor nor its text given up.
  public var expected: [Record] {
    slots.filter { ($0.state >> 62 == 1 || $0.state >> 62 == 2) && $0.begin != 1 }
      .compactMap { all[$0.state & Self.idMask] }.sorted { $0.sequence < $1.sequence }
  }

  // MARK: Writing

  private func slot(_ id: UInt64) -> Int { Int(id & (count - 1)) }

  /// Logs a record; `finishes` false leaves it as its writer was interrupted.
  public mutating func log(
    _ text: String, level: UInt8 = 6, facility: UInt8 = 0, flags: UInt8 = 0, caller: UInt32 = 1,
    subsystem: String = "", device: String = "", finishes: Bool = true, hasRoom: Bool = true
  ) {
    let id = (headID &+ 1) & Self.idMask
    if tailID == (id &- count) & Self.idMask {
      if slots[slot(tailID)].state >> 62 != 3 {
        let last = slots[slot(tailID)]
        slots[slot(tailID)].state = 3 << 62 | tailID
        if last.begin & 1 == 0 { giveUpText(until: last.next) }
      }
      tailID = (tailID &+ 1) & Self.idMask
    }
    headID = id
    let record = Record(
      sequence: nextSequence, nanoseconds: 1_000_000 * (nextSequence + 1), level: level,
      facility: facility, flags: flags, caller: caller, subsystem: subsystem, device: device,
      text: text)
    nextSequence += 1
    all[id] = record
    slots[slot(id)].state = id
    let block = hasRoom ? place(Array(text.utf8), id) : (1, 1)
    (slots[slot(id)].begin, slots[slot(id)].next) = block
    if finishes {
      write(record, slot(id))
      slots[slot(id)].state = 2 << 62 | id
    }
  }

  private mutating func place(_ text: [UInt8], _ id: UInt64) -> (UInt64, UInt64) {
    guard !text.isEmpty else { return (3, 3) }
    let length = (UInt64(text.count) + 8 + 7) & ~7
    let begin = headPosition
    let mask = size - 1
    var next = begin &+ length
    let last = fitsPerfectly ? next &- 1 : next
    let wraps = begin & ~mask != last & ~mask
    if wraps { next = (next & ~mask) &+ length }
    giveUpText(until: next &- size)
    headPosition = next
    let offset = Int(wraps ? 0 : begin & mask)
    dataBytes.replaceSubrange(offset..<offset + 8, with: little(id))
    dataBytes.replaceSubrange(offset + 8..<offset + 8 + text.count, with: text)
    return (begin, next)
  }

  /// Moves the tail of the texts on; records there lose their descriptors.
  private mutating func giveUpText(until limit: UInt64) {
    while Int64(bitPattern: limit &- tailPosition) > 0 {
      let owner = slots.firstIndex {
        $0.begin == tailPosition && ($0.state >> 62 == 1 || $0.state >> 62 == 2)
      }
      let gone = slots.firstIndex { $0.begin == tailPosition && $0.state >> 62 == 3 }
      guard let index = owner ?? gone else { break }
      slots[index].state |= 3 << 62
      tailPosition = slots[index].next
    }
  }

  private mutating func write(_ record: Record, _ slot: Int) {
    var info = ByteAssembler()
    info.number(record.sequence)
    info.number(record.nanoseconds)
    info.number(UInt16(record.text.utf8.count))
    info.u8(record.facility)
    info.u8(record.flags | record.level << 5)
    info.number(record.caller)
    for (text, length) in [(record.subsystem, 16), (record.device, 48)] {
      info.append(Array(text.utf8) + [UInt8](repeating: 0, count: length - text.utf8.count))
    }
    let start = slot * Self.infoSize
    infoBytes.replaceSubrange(start..<start + Self.infoSize, with: info.bytes)
  }

  // MARK: As memory

  public var ringBytes: [UInt8] {
    var ring = ByteAssembler()
    ring.number(UInt64(countBits))
    ring.number(Self.descriptors)
    ring.number(Self.infos)
    ring.number(headID)
    ring.number(tailID)
    ring.number(headID)
    ring.number(UInt64(sizeBits))
    ring.number(Self.data)
    ring.number(headPosition)
    ring.number(tailPosition)
    ring.number(UInt64(0))
    return ring.bytes
  }

  public var descriptorBytes: [UInt8] {
    slots.flatMap { little($0.state) + little($0.begin) + little($0.next) }
  }

  /// The slot of the record `sequence`.
  public func slot(of sequence: UInt64) -> Int { Int(sequence & (count - 1)) }

  public var memory: SparseMemory { memory() }

  /// As memory, with some of its bytes overwritten.
  public func memory(patching patches: [UInt64: [UInt8]] = [:]) -> SparseMemory {
    var memory = SparseMemory()
    for (bytes, start) in [
      (ringBytes, Self.ring), (descriptorBytes, Self.descriptors), (infoBytes, Self.infos),
      (dataBytes, Self.data),
    ] {
      var patched = bytes
      for (address, patch) in patches
      where address >= start && address < start + UInt64(bytes.count) {
        let offset = Int(address - start)
        patched.replaceSubrange(offset..<offset + patch.count, with: patch)
      }
      memory.write(patched, at: start)
    }
    return memory
  }

  /// The lines of VMCOREINFO that describe the structures.
  public static let vmcoreInfo = """
    SYMBOL(prb)=ffff888000000000
    SIZE(printk_ringbuffer)=88
    OFFSET(printk_ringbuffer.desc_ring)=0
    OFFSET(printk_ringbuffer.text_data_ring)=48
    OFFSET(printk_ringbuffer.fail)=80
    SIZE(prb_desc_ring)=48
    OFFSET(prb_desc_ring.count_bits)=0
    OFFSET(prb_desc_ring.descs)=8
    OFFSET(prb_desc_ring.infos)=16
    OFFSET(prb_desc_ring.head_id)=24
    OFFSET(prb_desc_ring.tail_id)=32
    SIZE(prb_desc)=24
    OFFSET(prb_desc.state_var)=0
    OFFSET(prb_desc.text_blk_lpos)=8
    SIZE(prb_data_blk_lpos)=16
    OFFSET(prb_data_blk_lpos.begin)=0
    OFFSET(prb_data_blk_lpos.next)=8
    SIZE(printk_info)=88
    OFFSET(printk_info.seq)=0
    OFFSET(printk_info.ts_nsec)=8
    OFFSET(printk_info.text_len)=16
    OFFSET(printk_info.caller_id)=20
    OFFSET(printk_info.dev_info)=24
    SIZE(dev_printk_info)=64
    OFFSET(dev_printk_info.subsystem)=0
    LENGTH(printk_info_subsystem)=16
    OFFSET(dev_printk_info.device)=16
    LENGTH(printk_info_device)=48
    SIZE(prb_data_ring)=32
    OFFSET(prb_data_ring.size_bits)=0
    OFFSET(prb_data_ring.data)=8
    OFFSET(prb_data_ring.head_lpos)=16
    OFFSET(prb_data_ring.tail_lpos)=24

    """
}
