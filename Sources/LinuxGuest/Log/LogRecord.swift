/// One record of a kernel's log.
public struct LogRecord: Hashable, Sendable {
  /// Counted by the kernel from 0.
  public let sequence: UInt64
  /// When it was logged: nanoseconds of the kernel's own clock (`local_clock()`), which starts
  /// about when the machine does and is never set.
  public let nanoseconds: UInt64
  /// 0, an emergency, to 7, debugging.
  public let level: UInt8
  /// Who logged it, as syslog(3) counts: 0 is the kernel, 1 and more are programs that wrote to
  /// `/dev/kmsg`.
  public let facility: UInt8
  /// It goes on with the record before: printed without a newline between them.
  public let isContinuation: Bool
  public let origin: LogOrigin
  /// The device that it is about, if any.
  public let device: LogDevice?
  /// What was logged; lines after the first are separated by newlines. Bytes that are no UTF-8 are
  /// U+FFFD.
  public let text: String
  /// The record claims to be longer than its place in the ring, and was cut there.
  public let isCut: Bool

  public init(
    sequence: UInt64, nanoseconds: UInt64, level: UInt8, facility: UInt8,
    isContinuation: Bool = false, origin: LogOrigin = LogOrigin(), device: LogDevice? = nil,
    text: String, isCut: Bool = false
  ) {
    self.sequence = sequence
    self.nanoseconds = nanoseconds
    self.level = level
    self.facility = facility
    self.isContinuation = isContinuation
    self.origin = origin
    self.device = device
    self.text = text
    self.isCut = isCut
  }
}

/// Who was running when a record was logged; what the kernel didn't keep is nil.
public struct LogOrigin: Hashable, Sendable {
  /// The thread that logged.
  public let thread: UInt32?
  /// The CPU that logged.
  public let cpu: UInt32?
  /// The thread's name, kept by kernels from 7.0 built with `CONFIG_PRINTK_EXECUTION_CTX`.
  public let name: String?

  public init(thread: UInt32? = nil, cpu: UInt32? = nil, name: String? = nil) {
    self.thread = thread
    self.cpu = cpu
    self.name = name
  }

  /// Set in a caller's number that is a CPU's: the code that logged was no thread's
  /// (`printk_caller_id()`, kernel/printk/printk.c).
  private static let cpuFlag: UInt32 = 0x8000_0000

  /// By the numbers that a record holds: `caller`, and from 7.0 on `other`, which is the CPU's if
  /// `caller` is a thread's and the other way round.
  init(caller: UInt32?, other: UInt32? = nil, name: String? = nil) {
    var thread: UInt32?
    var cpu: UInt32?
    for number in [other, caller].compactMap(\.self) {
      if number & Self.cpuFlag == 0 {
        thread = number
      } else {
        cpu = number & ~Self.cpuFlag
      }
    }
    self.init(thread: thread, cpu: cpu, name: name)
  }
}

/// What `dev_printk()` adds to a record.
public struct LogDevice: Hashable, Sendable {
  /// `pci`, `block`, …; nil if the record doesn't tell.
  public let subsystem: String?
  /// `+pci:0000:00:03.0`, `b8:1`, … (Documentation/ABI/testing/dev-kmsg).
  public let name: String?

  /// Nil if there is neither.
  public init?(subsystem: String?, name: String?) {
    guard subsystem != nil || name != nil else { return nil }
    self.subsystem = subsystem
    self.name = name
  }
}
