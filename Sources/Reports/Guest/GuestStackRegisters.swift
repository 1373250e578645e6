import Bytes
import LinuxGuest
import Targets
import Unwinding

/// The registers of interrupted code, as the kernel saved them, or a program's in its CPU.
public struct SavedRegistersReport: Codable, Hashable, Sendable {
  /// Where the `struct pt_regs` is, in hexadecimal; nil for those of a CPU.
  public var address: String?
  /// Hexadecimal values by lower-case name, `rax` … `r15`, `rip`, `rflags`, `orig_rax`, `cs`, `ss`;
  /// one that isn't known isn't there.
  public var registers: [String: String]
  /// A program was interrupted, and not the kernel itself.
  public var fromUserMode: Bool
  /// What was interrupted, as symbol and offset; nil for a program.
  public var symbol: String?

  init(_ interruption: Interruption, _ architecture: Architecture, symbol: String?) {
    address = interruption.address.description
    fromUserMode = interruption.isFromUserMode
    self.symbol = symbol
    registers = Self.named(interruption.registers, architecture)
    registers["rflags"] = interruption.flags.map(hex)
    registers["cs"] = interruption.codeSegment.map(hex)
    registers["ss"] = interruption.stackSegment.map(hex)
    registers["orig_rax"] = interruption.originalRAX.map(hex)
  }

  /// A program's, as its CPU has them.
  init(_ cpu: X86CPUState, _ architecture: Architecture) {
    fromUserMode = true
    registers = Self.named(RegisterState(cpu), architecture)
    registers["rflags"] = cpu.rflags.map(hex)
    registers["cs"] = cpu.segments[.cs].map { hex(UInt64($0.selector)) }
    registers["ss"] = cpu.segments[.ss].map { hex(UInt64($0.selector)) }
  }

  private static func named(
    _ state: RegisterState, _ architecture: Architecture
  ) -> [String: String] {
    var named: [String: String] = [:]
    for (number, name) in architecture.registerNames.enumerated().prefix(RegisterState.capacity) {
      named[name] = state[RegisterNumber(UInt16(number))].map(hex)
    }
    return named
  }
}

extension SavedRegistersReport {
  /// The block that crash prints for an exception's frame. An unknown register is all question marks.
  public func text(_ style: TextStyle) -> String {
    var lines: [String] = []
    if let symbol { lines.append("    [exception RIP: \(TextStyle.visible(symbol))]") }
    lines.append(
      "    "
        + [word("RIP", "rip"), word("RSP", "rsp"), short("RFLAGS", "rflags", 8)].joined(
          separator: "  "))
    for row in Self.rows where row.contains(where: { registers[$0] != nil }) {
      lines.append("    " + row.map { word($0.uppercased(), $0) }.joined(separator: "  "))
    }
    var last: [String] = []
    if registers["orig_rax"] != nil { last.append("ORIG_RAX: " + digits("orig_rax", 16)) }
    last += [short("CS", "cs", 4), short("SS", "ss", 4)]
    lines.append("    " + last.joined(separator: "  "))
    return lines.map { style.paint($0, .faint) }.joined(separator: "\n")
  }

  private static let rows = [
    ["rax", "rbx", "rcx"], ["rdx", "rsi", "rdi"], ["rbp", "r8", "r9"], ["r10", "r11", "r12"],
    ["r13", "r14", "r15"],
  ]

  private func word(_ label: String, _ name: String) -> String {
    String(repeating: " ", count: max(0, 3 - label.count)) + "\(label): " + digits(name, 16)
  }

  private func short(_ label: String, _ name: String, _ count: Int) -> String {
    "\(label): " + digits(name, count)
  }

  private func digits(_ name: String, _ count: Int) -> String {
    guard let text = registers[name]?.dropFirst(2) else {
      return String(repeating: "?", count: count)
    }
    return String(repeating: "0", count: max(0, count - text.count)) + text
  }
}
