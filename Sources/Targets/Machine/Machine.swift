public import Bytes
public import Unwinding

/// One virtual CPU of a machine.
public struct VCPU: Sendable {
  /// How far the registers can be trusted.
  public enum Freshness: Hashable, Sendable {
    /// As they were when the dump was taken.
    case current
    /// As they were some time before: the true ones were in the kernel (KVM) when the hypervisor
    /// was dumped.
    case stale
    /// The CPU was executing when it was read or dumped: RIP and flags, or more, may be of another
    /// moment than the rest.
    case torn
    /// The source doesn't tell.
    case unknown
  }

  /// From 0.
  public let index: Int
  public let x86: X86CPUState
  public let freshness: Freshness
  /// Whether it waits for an interrupt; nil if unknown.
  public let isHalted: Bool?
  /// How the registers were found, a line each.
  public let evidence: [String]

  public init(
    index: Int, x86: X86CPUState, freshness: Freshness, isHalted: Bool? = nil,
    evidence: [String] = []
  ) {
    self.index = index
    self.x86 = x86
    self.freshness = freshness
    self.isHalted = isHalted
    self.evidence = evidence
  }
}

/// A computer as a dump, a hypervisor's process or a recording shows it: physical memory and CPUs.
public final class Machine: Sendable {
  public let architecture: Architecture
  public let memory: PhysicalMemory
  /// The ranges that are memory, in ascending order without overlaps.
  public let map: [MemoryMapEntry]
  public let cpus: [VCPU]
  /// What the machine is called by its hypervisor: `pc-i440fx-7.2`; nil if unknown.
  public let type: String?
  /// The contents of the VMCOREINFO note that came with the source; nil if there was none. The
  /// guest's memory may hold one all the same.
  public let vmcoreInfo: ByteView?
  /// How map and memory were found, a line each.
  public let evidence: [String]
  /// What is damaged, missing or doubtful, a line each.
  public let diagnostics: [String]

  public init(
    architecture: Architecture = .x86_64, memory: PhysicalMemory, map: [MemoryMapEntry],
    cpus: [VCPU], type: String? = nil, vmcoreInfo: ByteView? = nil, evidence: [String] = [],
    diagnostics: [String] = []
  ) {
    self.architecture = architecture
    self.memory = memory
    self.map = map.sorted { $0.start < $1.start }
    self.cpus = cpus
    self.type = type
    self.vmcoreInfo = vmcoreInfo
    self.evidence = evidence
    self.diagnostics = diagnostics
  }

  /// `other` with some of it replaced.
  public convenience init(
    _ other: Machine, memory: PhysicalMemory? = nil, cpus: [VCPU]? = nil,
    addingDiagnostics diagnostics: [String] = [], addingEvidence evidence: [String] = []
  ) {
    self.init(
      architecture: other.architecture, memory: memory ?? other.memory, map: other.map,
      cpus: cpus ?? other.cpus, type: other.type, vmcoreInfo: other.vmcoreInfo,
      evidence: other.evidence + evidence, diagnostics: other.diagnostics + diagnostics)
  }
}

extension VCPU {
  /// The same CPU, but its registers were read while it ran.
  public var torn: VCPU {
    VCPU(
      index: index, x86: x86, freshness: freshness == .stale ? .stale : .torn, isHalted: isHalted,
      evidence: evidence)
  }
}
