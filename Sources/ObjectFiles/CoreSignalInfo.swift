public import Bytes

/// What NT_SIGINFO says of a signal: `siginfo_t` (asm-generic/siginfo.h, 64-bit machines).
///
///      0  si_signo i32   4  si_errno i32   8  si_code i32
///     16  by signal and code:
///         a fault:        si_addr u64
///         kill, sigqueue: si_pid i32, si_uid u32; 24 si_value u64
///         SIGCHLD:        si_pid i32, si_uid u32; 24 si_status i32
public struct CoreSignalInfo: Hashable, Sendable {
  static let size: UInt64 = 128

  /// What the rest of the record means.
  public enum Cause: Hashable, Sendable {
    /// SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP raised by the CPU: at, or about, this address.
    case fault(VirtualAddress)
    /// Sent by a process: kill(2), tgkill(2), sigqueue(3).
    case sent(processID: Int32, userID: UInt32)
    /// SIGCHLD from this child.
    case child(processID: Int32, userID: UInt32, status: Int32)
    /// Raised by the kernel itself, by a timer, by I/O, …
    case other
  }

  public let signal: Int32
  public let errno: Int32
  /// Positive: raised by the kernel (`SEGV_MAPERR` …); 0 and below: how it was sent (`SI_USER` …).
  public let code: Int32
  public let cause: Cause

  /// `SI_KERNEL`: sent by the kernel without further detail.
  private static let kernelCode: Int32 = 0x80
  private static let userCodes: Set<Int32> = [0, -1, -6]  // SI_USER, SI_QUEUE, SI_TKILL
  // SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV; SIGCHLD.
  private static let faultSignals: Set<Int32> = [4, 5, 7, 8, 11]
  private static let childSignal: Int32 = 17

  public init(signal: Int32, errno: Int32 = 0, code: Int32, cause: Cause) {
    self.signal = signal
    self.errno = errno
    self.code = code
    self.cause = cause
  }

  init(_ descriptor: ByteView) throws(ByteError) {
    var cursor = ByteCursor(descriptor)
    signal = try cursor.read()
    errno = try cursor.read()
    code = try cursor.read()
    try cursor.align(to: 8)
    if Self.userCodes.contains(code) {
      cause = .sent(processID: try cursor.read(), userID: try cursor.read())
    } else if code > 0, code != Self.kernelCode, Self.faultSignals.contains(signal) {
      cause = .fault(VirtualAddress(try cursor.read(UInt64.self)))
    } else if code > 0, signal == Self.childSignal {
      cause = .child(
        processID: try cursor.read(), userID: try cursor.read(), status: try cursor.read())
    } else {
      cause = .other
    }
  }

  func encode() -> [UInt8] {
    var writer = ByteWriter()
    writer.append(signal)
    writer.append(errno)
    writer.append(code)
    writer.pad(to: 8)
    switch cause {
    case .fault(let address): writer.append(address.rawValue)
    case .sent(let process, let user):
      writer.append(process)
      writer.append(user)
    case .child(let process, let user, let status):
      writer.append(process)
      writer.append(user)
      writer.append(status)
    case .other: break
    }
    writer.append(contentsOf: repeatElement(0, count: Int(Self.size) - writer.bytes.count))
    return writer.bytes
  }
}
