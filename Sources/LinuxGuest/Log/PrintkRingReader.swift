internal import Bytes

/// Reads the records of a ring one by one; a damaged one costs nothing but itself.
struct PrintkRingReader<Source: Memory> {
  let ring: PrintkRing<Source>
  private(set) var records: [LogRecord] = []
  private(set) var unfinished = 0
  private(set) var withoutText = 0
  var damage = LogDamage()
  /// How many bytes of text may still be read. Blocks don't overlap, so that the ring's size is more
  /// than all of a true ring's texts take.
  private var budget: UInt64
  private var missing = MissingPage()

  init(ring: PrintkRing<Source>) {
    self.ring = ring
    budget = min(1 << ring.sizeBits, 1 << 28)
  }

  var log: KernelLog {
    KernelLog(
      form: .ring, records: records, unfinished: unfinished, withoutText: withoutText,
      damage: damage)
  }

  /// Reads the records of `count` descriptors from the one with the number `first`.
  mutating func read(from first: UInt64, count: UInt64) {
    for index in 0..<count {
      let id = (first &+ index) & PrintkState.idMask
      read(slot: id & (ring.count - 1), expecting: id)
    }
  }

  /// Reads all descriptors: head and tail don't tell which are in use.
  mutating func readAll(limit: UInt64) {
    (records, unfinished, withoutText) = ([], 0, 0)
    let ends = "head_id \(ring.headID) and tail_id \(ring.tailID)"
    damage.add("the log's \(ends) lead to no record: all of its descriptors were looked at")
    for slot in 0..<min(ring.count, limit) { read(slot: slot, expecting: nil) }
    records.sort { $0.sequence < $1.sequence }
  }

  /// Reads the descriptor at `slot`; its number must be `expected`, if that is known.
  private mutating func read(slot: UInt64, expecting expected: UInt64?) {
    let descriptor: LogElement
    let state: UInt64
    do throws(LogFault) {
      descriptor = try element(slot, of: ring.descriptors, ring.layout.descriptor)
      state = try LogFault.catching { () throws(ByteError) in try descriptor.required(.state) }
    } catch {
      // Whether anything is there that no head and tail tell of can't be known.
      if let expected { damage.add("log record with id \(expected): descriptor: \(error)") }
      return
    }
    switch PrintkState(state) {
    case .committed, .finalized: break
    case .reserved:
      // A descriptor that was never used looks so too; between tail and head there is none.
      if expected != nil { unfinished += 1 }
      return
    case .reusable: return
    }
    let id = state & PrintkState.idMask
    guard id & (ring.count - 1) == slot, expected == nil || id == expected else {
      damage.add(
        "log descriptor \(slot): it can't have the id \(id)"
          + (expected.map { ", \($0) was expected" } ?? ""))
      return
    }
    do throws(LogFault) {
      try readRecord(id, slot, descriptor)
    } catch {
      damage.add("log record with id \(id): \(error)")
    }
  }

  private mutating func readRecord(
    _ id: UInt64, _ slot: UInt64, _ descriptor: LogElement
  ) throws(LogFault) {
    let info = try element(slot, of: ring.infos, ring.layout.info)
    let (begin, next, sequence, length) = try LogFault.catching { () throws(ByteError) in
      (
        try descriptor.required(.begin), try descriptor.required(.next),
        try info.required(.sequence), try info.required(.textLength)
      )
    }
    // Descriptors are used in turn, from the first one on.
    guard sequence & (ring.count - 1) == slot else { throw .sequence(sequence) }
    let found: String
    var isCut = false
    switch PrintkBlock(begin: begin, next: next, sizeBits: ring.sizeBits) {
    case .none:
      withoutText += 1
      return
    case .impossible: throw .block(begin: begin, next: next)
    case .empty: found = ""
    case .text(let offset, let room):
      isCut = length > room
      found = try text(at: offset, count: min(length, room), of: id)
    }
    let device = LogDevice(subsystem: info.text(.subsystem), name: info.text(.device))
    records.append(
      try LogFault.catching { () throws(ByteError) in
        try info.record(sequence: sequence, device: device, text: found, isCut: isCut)
      })
  }

  /// The text at `offset` of the ring of texts, if the block is the one of the descriptor `id`.
  private mutating func text(
    at offset: UInt64, count: UInt64, of id: UInt64
  ) throws(LogFault) -> String {
    guard count <= budget else { throw .overlap }
    budget -= count
    let address = ring.text &+ offset
    let owner = try LogFault.reading { () throws(MemoryFault) in
      try ring.memory.word(at: address &- PrintkBlock.header)
    }
    guard owner & PrintkState.idMask == id else { throw .owner(owner) }
    guard count > 0 else { return "" }
    return try LogFault.reading { () throws(MemoryFault) in
      String(decoding: try ring.memory.read(address, count: count))
    }
  }

  /// The element `slot` of the array at `start`.
  private mutating func element(
    _ slot: UInt64, of start: VirtualAddress, _ layout: LogElementLayout
  ) throws(LogFault) -> LogElement {
    let address = start &+ slot &* layout.size
    if let known = missing.fault(at: address) { throw .memory(known) }
    do throws(MemoryFault) {
      return LogElement(
        bytes: try ring.memory.read(address, count: layout.size), layout: layout)
    } catch {
      missing.note(error)
      throw .memory(error)
    }
  }
}
