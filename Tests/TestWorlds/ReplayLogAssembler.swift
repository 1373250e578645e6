/// Builds logs as QEMU records them (replay/replay-internal.h).
public struct ReplayLogAssembler {
  /// How a release writes its log.
  public struct Form: Sendable {
    /// In the header.
    public let version: UInt32
    /// Each kind of asynchronous event has a code of its own.
    let hasCodePerKind: Bool
    /// Causes of shutdown.
    let causes: UInt8

    public static let v5point2 = Form(version: 0xe0200a, hasCodePerKind: false, causes: 10)
    public static let v7point1 = Form(version: 0xe0200c, hasCodePerKind: true, causes: 10)
    public static let v7point2 = Form(version: 0xe0200c, hasCodePerKind: true, causes: 11)
  }

  public private(set) var bytes: [UInt8]
  private let form: Form

  /// `version` 0 is that of a log whose QEMU was killed.
  public init(_ form: Form = .v7point2, version: UInt32? = nil) {
    self.form = form
    bytes = Self.number(UInt64(version ?? form.version), 4) + [UInt8](repeating: 0, count: 8)
  }

  /// The event `code` with what belongs to it.
  public mutating func event(_ code: UInt8, _ rest: [UInt8] = []) { bytes += [code] + rest }

  /// An asynchronous event, with what belongs to it.
  public mutating func asynchronous(_ kind: UInt8, _ rest: [UInt8] = []) {
    form.hasCodePerKind ? event(3 + kind, rest) : event(3, [2, kind] + rest)
  }

  /// An event behind the asynchronous ones and the causes of shutdown: 0 is a character's write.
  public mutating func later(_ index: UInt8, _ rest: [UInt8] = []) {
    event((form.hasCodePerKind ? 10 : 4) + form.causes + 1 + index, rest)
  }

  public mutating func instructions(_ count: UInt32) { event(0, Self.number(UInt64(count), 4)) }
  public mutating func interrupt() { event(1) }
  public mutating func exception() { event(2) }
  /// A key of kind `number`.
  public mutating func key() { asynchronous(2, [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 30, 1]) }
  public mutating func movement() {
    asynchronous(2, [0, 0, 0, 2, 0, 0, 0, 0] + [UInt8](repeating: 1, count: 8))
  }
  /// Since 8.1.
  public mutating func touch() { asynchronous(2, [0, 0, 0, 4] + [UInt8](repeating: 1, count: 32)) }
  public mutating func inputSync() { asynchronous(3) }
  /// What a serial port received.
  public mutating func characters(_ text: String) {
    asynchronous(4, [0] + Self.array(Array(text.utf8)))
  }
  public mutating func blockRequest(_ id: UInt64) { asynchronous(5, Self.number(id, 8)) }
  public mutating func packet(_ contents: [UInt8]) {
    asynchronous(6, [0, 0, 0, 0, 0] + Self.array(contents))
  }
  public mutating func characterWrite() { later(0, [0, 0, 0, 1, 0, 0, 0, 2]) }
  /// Two samples that were recorded.
  public mutating func sound() {
    later(4, [0, 0, 0, 0, 0, 0, 0, 2] + [UInt8](repeating: 0, count: 8 + 32))
  }
  public mutating func random(_ contents: [UInt8]) {
    later(5, [0, 0, 0, 0] + Self.array(contents))
  }
  public mutating func clock(_ nanoseconds: UInt64) { later(6, Self.number(nanoseconds, 8)) }
  public mutating func checkpoint() { later(8) }
  /// The end that QEMU writes: shut down by a signal of the host's, end.
  public mutating func end() {
    event((form.hasCodePerKind ? 10 : 4) + 4)
    later(17)
  }

  private static func number(_ value: UInt64, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * (count - 1 - $0))) }
  }

  private static func array(_ contents: [UInt8]) -> [UInt8] {
    number(UInt64(contents.count), 4) + contents
  }
}
