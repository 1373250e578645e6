import Bytes
public import Targets

/// What `varve regs` prints: the registers of CPUs.
public struct RegistersReport: Codable, Hashable, Sendable {
  public var schema = "varve.registers/1"
  public var file: String
  public var cpus: [CPURegisters]
  public var warnings: [String]

  public init(file: String, cpus: [VCPU], warnings: [String]) {
    self.file = file
    self.cpus = cpus.map(CPURegisters.init)
    self.warnings = warnings
  }
}

/// The registers of one CPU; a register that isn't known isn't there.
public struct CPURegisters: Codable, Hashable, Sendable {
  public var index: Int
  public var mode: X86Mode?
  public var isHalted: Bool?
  /// `current`, `stale`, `torn`, `unknown`.
  public var freshness: String
  /// Hexadecimal values by lower-case name: `rax` … `r15`, `rip`, `rflags`, `cr0`, `dr7`, `efer` …
  public var registers: [String: String]
  public var segments: [String: SegmentReport]
  /// `xmm0` … `xmm15` as 32 hexadecimal digits, `mxcsr`; empty if unknown.
  public var vectors: [String: String]
  public var evidence: [String]

  init(_ cpu: VCPU) {
    let state = cpu.x86
    index = cpu.index
    mode = state.mode
    isHalted = cpu.isHalted
    freshness = cpu.freshness.name
    evidence = cpu.evidence
    registers = [:]
    for (name, value) in Self.named(state) { registers[name] = hex(value) }
    segments = [:]
    for (register, segment) in state.segments {
      segments[register.name] = SegmentReport(segment)
    }
    vectors = state.extendedState.map(Self.vectors) ?? [:]
  }

  /// Every known register in the order of printing.
  private static func named(_ state: X86CPUState) -> [(String, UInt64)] {
    var all: [(String, UInt64?)] = X86CPUState.General.allCases.map { ("\($0)", state[$0]) }
    all += [("rip", state.rip), ("rflags", state.rflags)]
    all += [("cr0", state.cr0), ("cr2", state.cr2), ("cr3", state.cr3), ("cr4", state.cr4)]
    all += state.debug.sorted { $0.key < $1.key }.map { ("dr\($0.key)", $0.value) }
    all += X86CPUState.ModelSpecific.allCases.map { ($0.name, state[$0]) }
    return all.compactMap { name, value in value.map { (name, $0) } }
  }

  /// The legacy region of an XSAVE area (Intel SDM volume 1, table 10-2): MXCSR at 24, XMM0–15 from
  /// 160 on, 16 bytes each.
  private static func vectors(_ area: [UInt8]) -> [String: String] {
    guard area.count >= 512 else { return [:] }
    func number(_ range: Range<Int>) -> String {
      area[range].reversed().map { paddedHex($0, digits: 2) }.joined()
    }
    var found = ["mxcsr": "0x" + number(24..<28)]
    for index in 0..<16 {
      found["xmm\(index)"] = "0x" + number(160 + 16 * index..<176 + 16 * index)
    }
    return found
  }
}

/// A segment register with its hidden part, in hexadecimal.
public struct SegmentReport: Codable, Hashable, Sendable {
  public var selector: String
  public var base: String
  public var limit: String
  /// The second word of the descriptor.
  public var flags: String

  init(_ segment: X86Segment) {
    selector = hex(segment.selector)
    base = hex(segment.base)
    limit = hex(segment.limit)
    flags = hex(segment.flags)
  }
}

extension X86CPUState.SegmentRegister {
  var name: String {
    switch self {
    case .es: "es"
    case .cs: "cs"
    case .ss: "ss"
    case .ds: "ds"
    case .fs: "fs"
    case .gs: "gs"
    case .ldt: "ldt"
    case .tr: "tr"
    case .gdt: "gdt"
    case .idt: "idt"
    }
  }
}

extension X86CPUState.ModelSpecific {
  /// As QEMU and the manuals call it, in lower case.
  var name: String {
    switch self {
    case .timestampCounter: "tsc"
    case .apicBase: "apic_base"
    case .sysenterCS: "sysenter_cs"
    case .sysenterESP: "sysenter_esp"
    case .sysenterEIP: "sysenter_eip"
    case .pat: "pat"
    case .efer: "efer"
    case .star: "star"
    case .lstar: "lstar"
    case .cstar: "cstar"
    case .fmask: "fmask"
    case .kernelGSBase: "kernel_gs_base"
    case .tscAux: "tsc_aux"
    }
  }
}

extension RegistersReport {
  /// gdb's `info registers`, a block for each CPU.
  public func text(_ style: TextStyle, explain: Bool = false) -> String {
    cpus.map { $0.text(style, explain: explain) }.joined(separator: "\n\n")
  }
}

extension CPURegisters {
  private static let order =
    X86CPUState.General.allCases.map { "\($0)" }
    + ["rip", "rflags", "cr0", "cr2", "cr3", "cr4"]

  func text(_ style: TextStyle, explain: Bool) -> String {
    var heading = "CPU \(index): " + (mode.map { "\($0.rawValue) mode" } ?? "mode unknown")
    if isHalted == true { heading += ", halted" }
    var lines = [style.paint(heading, .heading)]
    if let caution = VCPU.Freshness(named: freshness)?.caution {
      lines.append(style.paint("the registers are \(caution)", .warning))
    }
    let rest = registers.keys.filter { !Self.order.contains($0) }.sorted()
    for name in Self.order + rest {
      // In gdb's words.
      let value = registers[name].map { style.paint($0, .address) } ?? "<unavailable>"
      lines.append(style.paint(name.padding(to: 15), .variable) + value + flags(name))
    }
    for register in X86CPUState.SegmentRegister.allCases {
      lines.append(
        style.paint(register.name.padding(to: 15), .variable)
          + (segments[register.name]?.text ?? "<unavailable>"))
    }
    let names = ["mxcsr"] + (0..<16).map { "xmm\($0)" }
    for name in names where vectors[name] != nil {
      lines.append(style.paint(name.padding(to: 15), .variable) + (vectors[name] ?? ""))
    }
    if explain { lines += evidence.map { "      " + TextStyle.visible($0) } }
    return lines.joined(separator: "\n")
  }

  /// The names of the set bits, as gdb prints them behind `eflags`.
  private func flags(_ name: String) -> String {
    guard name == "rflags", let text = registers[name],
      let value = UInt64(text.dropFirst(2), radix: 16)
    else { return "" }
    let names = Self.flagNames.filter { value & 1 << $0.bit != 0 }.map(\.name)
    return " [ " + names.map { $0 + " " }.joined() + "]"
  }

  /// Intel SDM volume 1, figure 3-8.
  private static let flagNames: [(bit: UInt64, name: String)] = [
    (0, "CF"), (2, "PF"), (4, "AF"), (6, "ZF"), (7, "SF"), (8, "TF"), (9, "IF"), (10, "DF"),
    (11, "OF"), (14, "NT"), (16, "RF"), (17, "VM"), (18, "AC"), (19, "VIF"), (20, "VIP"),
    (21, "ID"),
  ]
}

extension SegmentReport {
  var text: String { "\(selector) base \(base) limit \(limit) flags \(flags)" }
}
