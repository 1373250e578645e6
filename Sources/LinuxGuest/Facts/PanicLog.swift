/// What the log says of a panic, and of what went wrong before it.
public struct PanicLog: Hashable, Sendable {
  /// `Kernel panic - not syncing: …`; nil if the log has none.
  public let message: String?
  /// What the kernel complained of, the first lines of each oops: `BUG: kernel NULL pointer
  /// dereference, address: …`, `Oops: 0002 [#1] …`. Of many, the last.
  public let complaints: [String]
  /// The panic was asked for, by the magic SysRq key or a write to `/proc/sysrq-trigger`.
  public let isRequested: Bool

  private static let panic = "Kernel panic - not syncing: "
  private static let complaintLimit = 8

  /// How the lines begin that tell of an oops (arch/x86/kernel/dumpstack.c, arch/x86/mm/fault.c,
  /// arch/x86/kernel/traps.c, lib/bug.c) or of a lockup (kernel/watchdog.c).
  static let beginnings = [
    "BUG: ", "kernel BUG at ", "Oops: ", "general protection fault", "stack segment: ",
    "invalid opcode: ", "divide error: ", "double fault: ", "PANIC: double fault",
    "Unable to handle kernel ", "watchdog: BUG: ", "NMI watchdog: Watchdog detected hard LOCKUP",
    "watchdog: Watchdog detected hard LOCKUP",
  ]

  public init(_ log: KernelLog) {
    var message: String?
    var complaints: [String] = []
    var isRequested = false
    // Programs can write what they like to the log, but not in the kernel's name.
    for record in log.records where record.facility == 0 {
      let line = String(record.text.prefix { $0 != "\n" })
      if line.hasPrefix(Self.panic) {
        message = line
      } else if Self.beginnings.contains(where: line.hasPrefix) {
        complaints.append(line)
      } else if line == "sysrq: Trigger a crash" || line == "SysRq : Trigger a crash" {
        isRequested = true
      }
    }
    self.message = message
    self.complaints = complaints.suffix(Self.complaintLimit)
    self.isRequested = isRequested
  }
}
