import Bytes

/// What a kdump's headers repeat of the VMCOREINFO text (kernel/crash_core.c); nil is unknown.
struct KernelFacts {
  /// `OSRELEASE`.
  var release: String?
  /// `NUMBER(phys_base)`.
  var physicalBase: Int64?
  /// `CRASHTIME`, in seconds since 1970; only after a crash.
  var crashTime: UInt64?

  /// The facts in `text`. Of a key that comes twice, the first counts.
  init(_ text: ByteView) {
    for line in String(decoding: text).split(whereSeparator: { $0 == "\n" || $0 == "\0" }) {
      guard let equals = line.firstIndex(of: "=") else { continue }
      let value = line[line.index(after: equals)...]
      switch line[..<equals] {
      case "OSRELEASE": release = release ?? String(value)
      case "NUMBER(phys_base)": physicalBase = physicalBase ?? Int64(value)
      case "CRASHTIME": crashTime = crashTime ?? UInt64(value)
      default: break
      }
    }
  }
}
