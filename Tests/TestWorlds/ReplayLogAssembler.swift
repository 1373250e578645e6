/// Builds logs as QEMU 7.2 records them (replay/replay-internal.h).
public struct ReplayLogAssembler {
  public private(set) var bytes: [UInt8]

  /// `version` 0 is that of a log whose QEMU was killed.
  public init(version: UInt32 = 0xe0200c) {
    bytes = Self.number(UInt64(version), 4) + [UInt8](repeating: 0, count: 8)
  }

  /// The event `code` with what belongs to it.
  public mutating func event(_ code: UInt8, _ rest: [UInt8] = []) { bytes += [code] + rest }

  public mutating func instructions(_ count: UInt32) { event(0, Self.number(UInt64(count), 4)) }
  public mutating func interrupt() { event(1) }
  /// What a serial port received.
  public mutating func characters(_ text: String) {
    event(7, [0] + Self.array(Array(text.utf8)))
  }
  public mutating func blockRequest(_ id: UInt64) { event(8, Self.number(id, 8)) }
  public mutating func packet(_ contents: [UInt8]) {
    event(9, [0, 0, 0, 0, 0] + Self.array(contents))
  }
  public mutating func random(_ contents: [UInt8]) {
    event(27, [0, 0, 0, 0] + Self.array(contents))
  }
  public mutating func clock(_ nanoseconds: UInt64) { event(28, Self.number(nanoseconds, 8)) }
  public mutating func checkpoint() { event(30) }
  /// The end that 7.2 writes: shut down by a signal of the host's, end.
  public mutating func end() {
    event(14)
    event(39)
  }

  private static func number(_ value: UInt64, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * (count - 1 - $0))) }
  }

  private static func array(_ contents: [UInt8]) -> [UInt8] {
    number(UInt64(contents.count), 4) + contents
  }
}
