public import Bytes
public import Targets

/// Where a guest's driver told QEMU that its VMCOREINFO note is.
public struct VMCoreInfoPlace: Hashable, Sendable {
  public let start: PhysicalAddress
  /// Of the note with its header, in bytes.
  public let count: UInt64

  public init(start: PhysicalAddress, count: UInt64) {
    self.start = start
    self.count = count
  }
}

/// All that one way of looking found of the machine in a QEMU process.
public struct MachineFindings: Sendable {
  public var layout: GuestMemoryLayout
  /// In ascending order of their indices.
  public var cpus: [VCPU]
  /// `pc-i440fx-7.2`; nil if unknown.
  public var type: String?
  /// Nil if the guest told none, or if that isn't known.
  public var vmcoreInfo: VMCoreInfoPlace?
  /// How type, CPUs and note were found, a line each; the layout has its own.
  public var evidence: [String]
  public var diagnostics: [String]

  public init(
    layout: GuestMemoryLayout, cpus: [VCPU], type: String? = nil,
    vmcoreInfo: VMCoreInfoPlace? = nil, evidence: [String] = [], diagnostics: [String] = []
  ) {
    self.layout = layout
    self.cpus = cpus
    self.type = type
    self.vmcoreInfo = vmcoreInfo
    self.evidence = evidence
    self.diagnostics = diagnostics
  }
}

/// Why no machine was found in a process.
public enum MachineError: Error, Hashable, Sendable {
  /// The debug information led nowhere.
  case structures(QEMUError)
  /// The program has no debug information that describes a machine.
  case noDebugInformation
  /// Neither way found a machine; each one's reason.
  case notFound(reasons: [String])
}

extension MachineError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .structures(let error): "the machine couldn't be read: \(error)"
    case .noDebugInformation: "the program has no debug information that describes a machine"
    case .notFound(let reasons): "no machine was found: \(reasons.joined(separator: "; "))"
    }
  }
}

/// The machine in a QEMU process and what it was found by.
public struct QEMUMachine: Sendable {
  public let machine: Machine
  public let findings: MachineFindings
  /// What the dump lacks of the guest's memory, but a file has.
  public let absentBackings: [AbsentBacking]

  /// Which ways of looking are taken.
  public struct Options: Sendable {
    /// Debug information is used where there is some.
    public var usesDebugInformation = true
    /// Both ways are taken, and where they disagree the diagnostics tell.
    public var crossChecks = false
    /// What to show where the dump lacks the process's memory.
    public var standIns: [HostStandIn] = []

    public init() {}
  }

  /// A way to find a machine without debug information.
  public typealias Search = (Process) throws(MachineError) -> MachineFindings

  /// Finds the machine in `process` by its program's debug information; without, or if that leads
  /// nowhere, by `search`.
  public static func find(
    in process: Process, options: Options = Options(), search: Search? = nil
  ) throws(MachineError) -> QEMUMachine {
    var reasons: [String] = []
    if options.usesDebugInformation {
      do throws(MachineError) {
        var findings = try byDebugInformation(in: process)
        if options.crossChecks, let search {
          findings.diagnostics += findings.differences(from: try search(process))
        }
        return QEMUMachine(findings, in: process, standIns: options.standIns)
      } catch {
        reasons.append("\(error)")
      }
    }
    guard let search else { throw .notFound(reasons: reasons) }
    var findings = try search(process)
    findings.diagnostics = reasons + findings.diagnostics
    return QEMUMachine(findings, in: process, standIns: options.standIns)
  }

  public init(_ findings: MachineFindings, in process: Process, standIns: [HostStandIn] = []) {
    let assembly = GuestMemoryAssembly(findings.layout, in: process, standIns: standIns)
    let memory = assembly.memory
    var diagnostics = findings.layout.diagnostics + assembly.diagnostics + findings.diagnostics
    var note: ByteView?
    if let place = findings.vmcoreInfo {
      do throws(VMCoreInfoNote.Problem) {
        note = try VMCoreInfoNote.contents(at: place, in: memory)
      } catch {
        diagnostics.append("the guest's VMCOREINFO note: \(error)")
      }
    }
    self.findings = findings
    absentBackings = assembly.absentBackings
    machine = Machine(
      memory: memory, map: assembly.map, cpus: findings.cpus, type: findings.type,
      vmcoreInfo: note, evidence: findings.layout.evidence + findings.evidence,
      diagnostics: diagnostics)
  }
}
