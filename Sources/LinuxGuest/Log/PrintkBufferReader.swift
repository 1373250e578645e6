internal import Bytes

/// Walks the records of a `log_buf`.
struct PrintkBufferReader<Source: Memory> {
  let buffer: PrintkBuffer<Source>
  private var records: [LogRecord] = []
  private var damage = LogDamage()
  private var sequence: UInt64

  /// How many bytes may still be passed over in search of a record.
  private var searchable: UInt64 = 1 << 24
  /// No kernel's log has as many.
  private static var recordLimit: Int { 1 << 20 }

  /// Where the walk is: an offset, and whether it has gone round the end.
  private var index: UInt64
  private var isRound = false

  init(buffer: PrintkBuffer<Source>) {
    self.buffer = buffer
    index = buffer.place.first
    sequence = buffer.place.firstSequence ?? 0
  }

  var log: KernelLog { KernelLog(form: .buffer, records: records, damage: damage) }

  /// Where the walk ends at the latest, on this side of the buffer's end or beyond it.
  private var end: UInt64 {
    let place = buffer.place
    return isRound || place.first <= place.next ? place.next : place.size
  }

  /// Each step goes forward by a record's header at least, and round the end once.
  mutating func read() {
    while index != buffer.place.next || (!isRound && buffer.place.next < buffer.place.first) {
      do throws(LogFault) {
        guard let header = try header(at: index) else {
          guard goRound() else { return }
          continue
        }
        guard records.count < Self.recordLimit else {
          let first = sequence
          damage.add("the log records from \(first) on were left out: too many")
          return
        }
        records.append(try record(header))
        sequence &+= 1
        index += header.length
        if index >= buffer.place.size, !goRound() { return }
      } catch {
        let offset = index
        damage.add("log record at offset \(offset): \(error)")
        guard skip() else { return }
      }
    }
  }

  /// Goes on at the buffer's start; false if it was there before, which is one round too many.
  private mutating func goRound() -> Bool {
    guard !isRound, buffer.place.next < buffer.place.first else {
      if index != buffer.place.next {
        let (end, expected) = (index, buffer.place.next)
        damage.add("the log's records end at offset \(end), not at \(expected)")
      }
      return false
    }
    (index, isRound) = (0, true)
    return true
  }

  // MARK: Records

  private struct Header {
    let element: LogElement
    let offset: UInt64
    let length: UInt64
    let textLength: UInt64
    let dictionaryLength: UInt64
  }

  private func bytes(_ offset: UInt64, _ count: UInt64) throws(LogFault) -> ByteView {
    try LogFault.reading { () throws(MemoryFault) in
      try buffer.memory.read(buffer.place.address &+ offset, count: count)
    }
  }

  /// The record at `offset`; nil if it says that the next one is at the buffer's start.
  private func header(at offset: UInt64) throws(LogFault) -> Header? {
    let layout = buffer.layout.record
    // What is left may be too short even for the mark that nothing follows.
    guard offset + layout.size <= buffer.place.size else { return nil }
    let element = LogElement(bytes: try bytes(offset, layout.size), layout: layout)
    let (length, text, dictionary) = try LogFault.catching { () throws(ByteError) in
      (
        try element.required(.length), try element.required(.textLength),
        try element.required(.dictionaryLength)
      )
    }
    guard length > 0 else { return nil }
    guard layout.size + text + dictionary <= length, length <= end - min(end, offset) else {
      throw .length(length)
    }
    return Header(
      element: element, offset: offset, length: length, textLength: text,
      dictionaryLength: dictionary)
  }

  private func record(_ header: Header) throws(LogFault) -> LogRecord {
    let start = header.offset + buffer.layout.record.size
    let text = String(decoding: try bytes(start, header.textLength))
    let dictionary = try bytes(start + header.textLength, header.dictionaryLength)
    var values: [String: String] = [:]
    for entry in dictionary.copy().split(separator: 0) {
      let parts = entry.split(separator: UInt8(ascii: "="), maxSplits: 1)
      guard parts.count == 2 else { continue }
      values[String(decoding: parts[0], as: UTF8.self)] = String(decoding: parts[1], as: UTF8.self)
    }
    return try LogFault.catching { () throws(ByteError) in
      try header.element.record(
        sequence: sequence,
        device: LogDevice(subsystem: values["SUBSYSTEM"], name: values["DEVICE"]), text: text,
        isCut: false)
    }
  }

  // MARK: Damage

  /// Records begin at multiples of this (`LOG_ALIGN`).
  private static var alignment: UInt64 { 4 }

  /// Goes on behind a damaged record, where one begins that makes sense; false if none does.
  private mutating func skip() -> Bool {
    let oldest = records.last?.nanoseconds ?? 0
    // The number of the record that is lost; more may be.
    sequence &+= 1
    let limit = end
    var next = (index | (Self.alignment - 1)) &+ 1
    while next < limit {
      if isRecord(at: next, after: oldest) {
        index = next
        return true
      }
      next += Self.alignment
      guard searchable >= Self.alignment else { return false }
      searchable -= Self.alignment
    }
    index = limit
    return limit == buffer.place.size && goRound()
  }

  /// Whether a record seems to begin at `offset`: another one follows right behind it, or the end,
  /// and time doesn't run backwards.
  private func isRecord(at offset: UInt64, after oldest: UInt64) -> Bool {
    do throws(LogFault) {
      guard let found = try header(at: offset), found.textLength > 0 else { return false }
      let time = try LogFault.catching { () throws(ByteError) in
        try found.element.required(.time)
      }
      // Clocks of different CPUs may differ a little.
      guard time &+ 1_000_000_000 >= oldest, time < 1 << 62 else { return false }
      let following = offset + found.length
      if following == end { return true }
      guard let next = try header(at: following) else { return !isRound }
      let nextTime = try LogFault.catching { () throws(ByteError) in
        try next.element.required(.time)
      }
      return nextTime &+ 1_000_000_000 >= time && nextTime < 1 << 62
    } catch {
      return false
    }
  }
}
