public import Bytes
public import Targets

/// The machine in a dump or in a QEMU process: memory map and CPUs.
public struct MachineReport: Codable, Hashable, Sendable {
  /// The hypervisor's name for it: `pc-i440fx-7.2`; nil if unknown.
  public var type: String?
  public var architecture: String
  public var memory: MachineMemoryReport
  /// The ranges that are memory, in ascending order.
  public var map: [MemoryRangeReport]
  public var cpus: [CPUReport]
  /// Nil if neither the source nor the guest's memory holds VMCOREINFO.
  public var vmcoreInfo: VMCoreInfoReport?
  /// The guest's Linux kernel; nil if none was found.
  public var kernel: GuestKernelReport?
  /// How map and memory were found, a line each.
  public var evidence: [String]
  /// What the guest's own tables say of map and registers.
  public var checks: [MachineCheckReport]

  public init(
    _ machine: Machine, vmcoreInfo: VMCoreInfoReport? = nil, kernel: GuestKernelReport? = nil,
    checks: [MachineProof] = []
  ) {
    type = machine.type
    architecture = machine.architecture.name
    memory = MachineMemoryReport(machine.memory)
    map = machine.map.map { MemoryRangeReport($0, in: machine.memory) }
    cpus = machine.cpus.map(CPUReport.init)
    self.vmcoreInfo = vmcoreInfo
    self.kernel = kernel
    evidence = machine.evidence
    self.checks = checks.map {
      MachineCheckReport(verdict: $0.verdict, statement: $0.statement)
    }
  }
}

/// One independent observation about whether the machine was put together rightly.
public struct MachineCheckReport: Codable, Hashable, Sendable {
  /// `confirmed`, `refuted`, or `unknown` if there was nothing to be learned.
  public var verdict: MachineProof.Verdict
  public var statement: String
}

/// How much of a machine's memory is there; all counts in bytes.
public struct MachineMemoryReport: Codable, Hashable, Sendable {
  /// Whose contents are there, zeros included.
  public var present: UInt64 = 0
  /// Of `present`, how much is known to be zero without being read.
  public var zeros: UInt64 = 0
  /// Left out of the dump on purpose.
  public var excluded: UInt64 = 0
  /// Lost because the dump was cut short.
  public var truncated: UInt64 = 0

  /// Of all of `memory`, or of what lies in `range`.
  public init(_ memory: PhysicalMemory, in range: Range<PhysicalAddress>? = nil) {
    let range = range ?? PhysicalAddress(0)..<PhysicalAddress(.max)
    for segment in memory.segments(in: range) {
      let first = max(segment.start, range.lowerBound)
      // The very last byte of the space isn't counted: nothing's memory reaches there.
      let last = min(segment.start &+ (segment.count - 1), range.upperBound &- 1)
      guard let distance = last.offset(from: first) else { continue }
      let count = distance + 1
      switch segment.contents {
      case .bytes: present += count
      case .source(let source, let offset):
        let skip = first.rawValue - segment.start.rawValue
        let held = min(source.presentCount(from: offset &+ skip, count: count), count)
        present += held
        excluded += count - held
      case .zeros:
        present += count
        zeros += count
      case .absent(.truncated): truncated += count
      case .absent: excluded += count
      }
    }
  }

  var text: String {
    var parts = ["\(MemoryReport.amount(present)) there"]
    if zeros > 0 { parts[0] += " (\(MemoryReport.amount(zeros)) of it never written)" }
    if excluded > 0 { parts.append("\(MemoryReport.amount(excluded)) left out of the dump") }
    if truncated > 0 {
      parts.append("\(MemoryReport.amount(truncated)) LOST: the dump was cut short")
    }
    return parts.joined(separator: ", ")
  }
}

/// One range of a machine's physical address space.
public struct MemoryRangeReport: Codable, Hashable, Sendable {
  /// The first and the last address, in hexadecimal.
  public var start: String
  public var last: String
  /// In bytes.
  public var size: UInt64
  /// `ram`, `rom`, `romDevice`, `nonvolatile`, `ramDevice`.
  public var kind: MemoryMapEntry.Kind
  /// The hypervisor's name for the block seen here, and where in it the range begins.
  public var block: String?
  public var blockOffset: String?
  /// How many of its bytes aren't in the input.
  public var missing: UInt64

  init(_ entry: MemoryMapEntry, in memory: PhysicalMemory) {
    start = entry.start.description
    last = entry.last.description
    size = entry.count
    kind = entry.kind
    block = entry.block
    blockOffset = entry.block == nil ? nil : hex(entry.blockOffset)
    let counts = MachineMemoryReport(memory, in: entry.start..<entry.start &+ entry.count)
    missing = entry.count - min(entry.count, counts.present)
  }
}

/// One CPU in a line.
public struct CPUReport: Codable, Hashable, Sendable {
  public var index: Int
  public var mode: X86Mode?
  public var rip: String?
  public var rsp: String?
  public var cr3: String?
  public var isHalted: Bool?
  public var freshness: String
  /// How the registers were found, a line each.
  public var evidence: [String]

  init(_ cpu: VCPU) {
    index = cpu.index
    mode = cpu.x86.mode
    rip = cpu.x86.rip.map { hex($0) }
    rsp = cpu.x86[.rsp].map { hex($0) }
    cr3 = cpu.x86.cr3.map { hex($0) }
    isHalted = cpu.isHalted
    freshness = cpu.freshness.name
    evidence = cpu.evidence
  }
}

extension VCPU.Freshness {
  /// One word for JSON.
  var name: String {
    switch self {
    case .current: "current"
    case .stale: "stale"
    case .torn: "torn"
    case .unknown: "unknown"
    }
  }

  /// The one that `name` gives that word for.
  init?(named word: String) {
    let all: [VCPU.Freshness] = [.current, .stale, .torn, .unknown]
    guard let found = all.first(where: { $0.name == word }) else { return nil }
    self = found
  }

  /// What a person must know before trusting the registers; nil if nothing.
  var caution: String? {
    switch self {
    case .current: nil
    case .unknown: "of unknown age: whether QEMU had the true ones can't be told"
    case .stale: "STALE: the true registers were in the kernel (KVM)"
    case .torn: "torn: the CPU was executing; RIP and flags may be of an earlier moment"
    }
  }
}

/// The VMCOREINFO of the guest's kernel.
public struct VMCoreInfoReport: Codable, Hashable, Sendable {
  /// `OSRELEASE`.
  public var release: String?
  /// Where in guest memory it was found; nil if it came as a note with the source.
  public var address: String?
  /// How it was found and checked, a line each.
  public var evidence: [String]

  public init(release: String?, address: String?, evidence: [String]) {
    self.release = release
    self.address = address
    self.evidence = evidence
  }
}

extension MachineReport {
  /// The lines of `varve info` that are about the machine.
  func lines(_ style: TextStyle, explain: Bool) -> [String] {
    var lines: [String] = []
    func add(_ name: String, _ value: String) {
      lines.append(style.paint(name.padding(to: 10), .heading) + TextStyle.visible(value))
    }
    add(
      "machine", "\(type ?? "of unknown type"), \(cpus.count == 1 ? "1 CPU" : "\(cpus.count) CPUs")"
    )
    add("guest RAM", memory.text)
    for range in map { lines.append("  " + range.line(style)) }
    if let vmcoreInfo { add("kernel", vmcoreInfo.text) }
    if !cpus.isEmpty { add("CPUs", "") }
    for cpu in cpus { lines += cpu.lines(style, explain: explain) }
    if let checksLine { add("checked", checksLine) }
    if let kernel { lines += kernel.lines(style, explain: explain) }
    if explain {
      lines += checks.map {
        "      " + TextStyle.visible("\($0.verdict.rawValue): \($0.statement)")
      }
      add("found by", "")
      lines += (evidence + (vmcoreInfo?.evidence ?? [])).map { "      " + TextStyle.visible($0) }
    }
    return lines
  }

  /// How many checks hold; nil if none says anything.
  private var checksLine: String? {
    let confirmed = checks.count { $0.verdict == .confirmed }
    let refuted = checks.count { $0.verdict == .refuted }
    guard confirmed + refuted > 0 else { return nil }
    return refuted == 0
      ? "\(confirmed) checks against the guest's own tables hold"
      : "\(refuted) of \(confirmed + refuted) checks against the guest's own tables FAIL"
  }
}

extension VMCoreInfoReport {
  var text: String {
    let place = address.map { "found in guest memory at \($0)" } ?? "from the dump's note"
    return "\(release.map { "Linux \($0)" } ?? "release unknown"); VMCOREINFO \(place)"
  }
}

extension MemoryRangeReport {
  func line(_ style: TextStyle) -> String {
    var text = style.paint(
      start.leftPadded(to: 18) + "-" + last.leftPadded(to: 18), .address)
    text += " " + MemoryReport.amount(size).leftPadded(to: 11) + " \(kind.rawValue)"
    if let block { text += " " + style.paint(block, .variable) }
    if let blockOffset, blockOffset != "0x0" { text += " + \(blockOffset)" }
    if missing > 0 {
      let amount = missing == size ? "all" : MemoryReport.amount(missing)
      text += style.paint(" (\(amount) of it missing)", .warning)
    }
    return text
  }
}

extension CPUReport {
  func lines(_ style: TextStyle, explain: Bool) -> [String] {
    let known = [("RIP", rip), ("RSP", rsp), ("CR3", cr3)].compactMap { name, value in
      value.map { "\(name) \(style.paint($0, .address))" }
    }
    var line =
      "  \(index)  "
      + ([mode.map { "\($0.rawValue) mode" } ?? "mode unknown"] + known)
      .joined(separator: "  ")
    if isHalted == true { line += "  halted" }
    if let caution { line += "  " + style.paint(caution, .warning) }
    return [line] + (explain ? evidence.map { "      " + TextStyle.visible($0) } : [])
  }

  private var caution: String? { VCPU.Freshness(named: freshness)?.caution }
}

extension String {
  /// Filled up with spaces from the left.
  func leftPadded(to width: Int) -> String {
    String(repeating: " ", count: max(0, width - count)) + self
  }
}
