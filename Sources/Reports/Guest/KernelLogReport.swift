public import LinuxGuest

/// What `varve dmesg` prints.
public struct KernelLogReport: Codable, Hashable, Sendable {
  public var schema = "varve.dmesg/1"
  public var file: String
  /// The kernel's release.
  public var release: String
  /// `ring` (from 5.10) or `buffer`.
  public var form: String
  public var records: [LogRecordReport]
  /// Records that were being written, and such whose text is lost.
  public var unfinished: Int
  public var withoutText: Int
  public var warnings: [String]

  /// Of `log`, what passes `filter`; `clock` tells the time of day of each record.
  public init(
    file: String, release: String, log: KernelLog, clock: KernelClock?,
    filter: LogFilter = LogFilter(), warnings: [String] = []
  ) {
    self.file = file
    self.release = release
    form = log.form.rawValue
    records = log.records.filter(filter.passes).map { LogRecordReport($0, clock) }
    unfinished = log.unfinished
    withoutText = log.withoutText
    self.warnings = warnings + log.diagnostics
  }
}

/// Which records are shown.
public struct LogFilter: Hashable, Sendable {
  /// Only these levels; nil for all.
  public var levels: Set<UInt8>?
  /// Not before, and not after: nanoseconds of the log's own clock.
  public var since: UInt64?
  public var until: UInt64?

  public init(levels: Set<UInt8>? = nil, since: UInt64? = nil, until: UInt64? = nil) {
    self.levels = levels
    self.since = since
    self.until = until
  }

  public func passes(_ record: LogRecord) -> Bool {
    (levels?.contains(record.level) ?? true) && record.nanoseconds >= since ?? 0
      && record.nanoseconds <= until ?? .max
  }
}

/// One record.
public struct LogRecordReport: Codable, Hashable, Sendable {
  public var sequence: UInt64
  /// Nanoseconds of the log's own clock.
  public var nanoseconds: UInt64
  /// When that was, by the guest's clock; nil if the clock isn't known.
  public var time: CivilTime?
  public var level: UInt8
  /// `emerg` … `debug`.
  public var levelName: String?
  public var facility: UInt8
  /// `kern`, `user`, …; nil for a number without a name.
  public var facilityName: String?
  /// The thread and the CPU that logged, as far as the kernel keeps them, and the thread's name.
  public var thread: UInt32?
  public var cpu: UInt32?
  public var name: String?
  public var subsystem: String?
  public var device: String?
  /// It goes on with the record before.
  public var isContinuation: Bool
  /// It was longer than its place in the ring.
  public var isCut: Bool
  public var text: String

  init(_ record: LogRecord, _ clock: KernelClock?) {
    sequence = record.sequence
    nanoseconds = record.nanoseconds
    time = clock.map { CivilTime(nanoseconds: $0.realTime(ofLog: record.nanoseconds)) }
    level = record.level
    levelName = LogLevel(rawValue: record.level)?.name
    facility = record.facility
    facilityName = LogFacility.name(of: record.facility)
    thread = record.origin.thread
    cpu = record.origin.cpu
    name = record.origin.name
    subsystem = record.device?.subsystem
    device = record.device?.name
    isContinuation = record.isContinuation
    isCut = record.isCut
    text = record.text
  }
}
