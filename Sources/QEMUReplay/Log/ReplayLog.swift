public import Bytes
internal import HostSystem

/// What a log of QEMU's holds, read to its end or to where it stops making sense.
public struct ReplayLog: Hashable, Sendable {
  /// The version in the header; 0 if QEMU didn't live to write it.
  public let version: UInt32
  /// Whole events, the end included.
  public let events: UInt64
  /// Instructions executed at the last whole event.
  public let instructions: UInt64
  /// What was read: 12 and the whole events' bytes.
  public let wholeSize: UInt64
  /// The last event is the one that ends a log.
  public let isEnded: Bool
  /// What is wrong behind `wholeSize`, and is no harm there; nil if nothing is.
  public let damage: String?
  private let format: ReplayLogFormat

  /// Header and end are there, and nothing else is wrong: QEMU will replay it.
  public var isComplete: Bool { version != 0 && isEnded && damage == nil }

  /// Reads the log `bytes`, which the file `path` holds. Throws `.log` if the version isn't known or
  /// not even the header is there.
  ///
  /// - Parameter release: which QEMU wrote it, if that is known: a log whose QEMU was killed doesn't say.
  public init(_ bytes: ByteView, path: String, release: QEMURelease? = nil) throws(ReplayError) {
    let version: UInt32
    do throws(ByteError) {
      var header = ByteCursor(bytes, order: .bigEndian)
      version = try header.read(UInt32.self)
      try header.skip(8)
    } catch {
      throw .log(path: path, offset: 0, reason: "the header is cut short")
    }
    var formats = ReplayLogFormat.known.filter { version == 0 || $0.version == version }
    if let release, formats.contains(where: { $0.releases.contains(release) }) {
      formats = formats.filter { $0.releases.contains(release) }
    }
    let readings = formats.map { Reading($0, bytes) }
    // The form that explains most of the log; where two do, the one listed first.
    guard var best = readings.first else {
      throw .log(
        path: path, offset: 0,
        reason: "the version 0x\(String(version, radix: 16)) isn't one that is known here")
    }
    for reading in readings where reading.isBetter(than: best) { best = reading }
    self.version = version
    events = best.events
    instructions = best.instructions
    wholeSize = best.offset
    isEnded = best.isEnded
    damage = best.damage
    format = best.format
  }

  /// When the CPU took interrupts and exceptions. `bytes` is what this was read from.
  func entries(_ bytes: ByteView) -> EntryMoments {
    Reading(format, bytes, notesEntries: true).entries ?? EntryMoments()
  }

  /// A header and an end that QEMU accepts, to be written at 0 and at `wholeSize`; an end is nil if
  /// there is one.
  var repair: (header: [UInt8], end: [UInt8]?) {
    let header = (0..<4).map { UInt8(truncatingIfNeeded: format.version >> (24 - 8 * $0)) }
    return (header, isEnded ? nil : [UInt8(format.codes.count - 1)])
  }
}

/// One attempt to read a log by one form.
private struct Reading {
  let format: ReplayLogFormat
  var events: UInt64 = 0
  var instructions: UInt64 = 0
  var offset = ReplayLogFormat.headerSize
  var isEnded = false
  var damage: String?
  /// Nil if nobody wants them.
  var entries: EntryMoments?
  /// Something came that isn't only cut short.
  private var hasNonsense = false

  init(_ format: ReplayLogFormat, _ bytes: ByteView, notesEntries: Bool = false) {
    self.format = format
    entries = notesEntries ? EntryMoments() : nil
    var cursor = ByteCursor(bytes, at: offset, order: .bigEndian)
    do throws(ByteError) {
      while !cursor.isAtEnd, !isEnded {
        guard try readEvent(&cursor) else {
          hasNonsense = true
          return
        }
        events += 1
        offset = cursor.offset
      }
      if isEnded, !cursor.isAtEnd {
        damage = "\(cursor.remaining) bytes follow the end"
        hasNonsense = true
      } else if !isEnded {
        damage = "the end is missing"
      }
    } catch {
      damage = "an event is cut short"
    }
  }

  /// A form that all bytes make sense in is the right one, a cut at the end aside; else the one that
  /// makes sense of more.
  func isBetter(than other: Reading) -> Bool {
    if hasNonsense != other.hasNonsense { return other.hasNonsense }
    return hasNonsense && offset > other.offset
  }

  /// Reads one event; false, with the damage noted, if it makes no sense.
  private mutating func readEvent(_ cursor: inout ByteCursor) throws(ByteError) -> Bool {
    let code = try cursor.read(UInt8.self)
    guard Int(code) < format.codes.count else {
      damage = "there is no event \(code)"
      return false
    }
    return try readContents(format.codes[Int(code)], &cursor)
  }

  /// Reads what belongs to `event`.
  private mutating func readContents(
    _ event: ReplayLogFormat.Event, _ cursor: inout ByteCursor
  ) throws(ByteError) -> Bool {
    switch event {
    case .asynchronous:
      try cursor.skip(1)
      let kind = Int(try cursor.read(UInt8.self))
      guard kind < ReplayLogFormat.kinds.count else {
        damage = "there is no event of kind \(kind)"
        return false
      }
      return try readContents(ReplayLogFormat.kinds[kind], &cursor)
    case .instructions:
      let count = try cursor.read(UInt32.self)
      let (sum, overflow) = instructions.addingReportingOverflow(UInt64(count))
      // QEMU counts with a signed number of 32 bits.
      guard !overflow, count > 0, count <= UInt32(Int32.max) else {
        damage = "\(count) instructions at once"
        return false
      }
      instructions = sum
    case .interrupt: entries?.interrupts.append(instructions)
    case .exception: entries?.exceptions.append(instructions)
    case .inputSync, .shutdown, .checkpoint: break
    case .bottomHalf, .bottomHalfOnce, .block, .clock, .audioOut: try cursor.skip(8)
    case .input: return try readInput(&cursor)
    case .characterRead:
      try cursor.skip(1)
      try skipArray(&cursor)
    case .network:
      try cursor.skip(5)
      try skipArray(&cursor)
    case .characterWrite: try cursor.skip(8)
    case .characterReadAll: try skipArray(&cursor)
    case .characterReadAllError: try cursor.skip(4)
    case .audioIn:
      let count = try cursor.read(UInt64.self)
      try cursor.skip(8)
      // Each sample is two numbers of 64 bits.
      let (size, overflow) = count.multipliedReportingOverflow(by: 16)
      guard !overflow else {
        damage = "\(count) samples of sound"
        return false
      }
      try cursor.skip(size)
    case .random:
      try cursor.skip(4)
      try skipArray(&cursor)
    case .end: isEnded = true
    }
    return true
  }

  private func skipArray(_ cursor: inout ByteCursor) throws(ByteError) {
    try cursor.skip(UInt64(try cursor.read(UInt32.self)))
  }

  /// A key, a button, a movement or a touch. Source: QEMU 10.0 replay/replay-input.c; the order of
  /// kinds in qapi/ui.json (InputEventKind: key, btn, rel, abs, mtt; KeyValueKind: number, qcode).
  private mutating func readInput(_ cursor: inout ByteCursor) throws(ByteError) -> Bool {
    let kind = try cursor.read(UInt32.self)
    guard kind < format.inputKinds else {
      damage = "input of kind \(kind)"
      return false
    }
    switch kind {
    case 0:
      let keyKind = try cursor.read(UInt32.self)
      guard keyKind < 2 else {
        damage = "a key of kind \(keyKind)"
        return false
      }
      try cursor.skip(keyKind == 0 ? 9 : 5)
    case 1: try cursor.skip(5)
    case 2, 3: try cursor.skip(12)
    // Type, slot, tracking number, axis, value.
    default: try cursor.skip(4 + 8 + 8 + 4 + 8)
    }
    return true
  }
}
