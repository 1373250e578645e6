internal import Bytes
internal import Targets

/// Messages of kernels up to 5.14 that didn't reach the log.
///
/// Code that must not take the log's lock (NMI handlers, printk itself) wrote to buffers of its CPU,
/// `nmi_print_seq` and `safe_print_seq`; an interrupt moved their contents to the log a little later
/// (kernel/printk/printk_safe.c). If the machine stopped before, they are there still. Each line
/// begins with its level: the byte 1 and a digit (`KERN_SOH`).
struct SafeBuffers {
  let kernel: LinuxKernel

  static let names = ["nmi_print_seq", "safe_print_seq"]

  /// What waits, a line each; nothing for newer kernels.
  func lines() throws(StructureError) -> [String] {
    let present = Self.names.filter { kernel.symbols.symbol(named: $0) != nil }
    guard !present.isEmpty else { return [] }
    var lines: [String] = []
    for cpu in try kernel.cpus(.possible) {
      for name in present {
        let text = try text(kernel.perCPU(name, "struct printk_safe_seq_buf", cpu: cpu))
        lines += text.map { "not yet logged by CPU \(cpu): \($0)" }
      }
    }
    return lines
  }

  private func text(_ buffer: TypedAddress) throws(StructureError) -> [String] {
    let contents = try buffer.member("buffer")
    let length = UInt64(UInt32(truncatingIfNeeded: try buffer.member("len").unsigned()))
    // A CPU counts up before it writes: the last bytes may be missing still.
    guard length > 0, let size = try contents.byteCount() else { return [] }
    let bytes = try contents.bytes(count: min(length, size))
    return bytes.split(separator: UInt8(ascii: "\n")).map { line in
      let isMarked = line.first == 1
      return String(decoding: isMarked ? line.dropFirst(2) : line, as: UTF8.self)
    }
  }
}
