import Bytes
public import Targets

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
    var reasons: [MachineError] = []
    if options.usesDebugInformation {
      do throws(MachineError) {
        var findings = try byDebugInformation(in: process)
        if findings.layout.ranges.isEmpty, let search {
          findings.takeLayout(from: search, in: process)
        } else if options.crossChecks, let search {
          findings.check(by: search, in: process)
        }
        return QEMUMachine(findings, in: process, standIns: options.standIns)
      } catch {
        reasons.append(error)
      }
    }
    guard let search else { throw .notFound(reasons: reasons.map(\.description)) }
    // That there is no debug information is no fault: the search needs none.
    reasons.removeAll { $0 == .noDebugInformation }
    do throws(MachineError) {
      var findings = try search(process)
      findings.diagnostics.insert(contentsOf: reasons.map(\.description), at: 0)
      return QEMUMachine(findings, in: process, standIns: options.standIns)
    } catch {
      throw reasons.isEmpty
        ? error : .notFound(reasons: reasons.map(\.description) + [error.description])
    }
  }

  /// What QEMU's variables say, by the program's debug information.
  private static func byDebugInformation(
    in process: Process
  ) throws(MachineError) -> MachineFindings {
    guard let structures = QEMUStructures(process) else { throw .noDebugInformation }
    do throws(StructureError) {
      return try MachineFindings(structures)
    } catch {
      throw .structures(error)
    }
  }

  /// The machine that `findings` describe.
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

extension MachineFindings {
  /// Takes the map that `search` finds, where there was none: the CPUs that are known stay.
  fileprivate mutating func takeLayout(from search: QEMUMachine.Search, in process: Process) {
    do throws(MachineError) {
      let found = try search(process)
      let diagnostics = layout.diagnostics
      layout = found.layout
      layout.diagnostics.insert(contentsOf: diagnostics, at: 0)
    } catch {
      diagnostics.append("\(error)")
    }
  }

  /// Tells in the diagnostics in what `search` finds something else.
  fileprivate mutating func check(by search: QEMUMachine.Search, in process: Process) {
    do throws(MachineError) {
      diagnostics += differences(from: try search(process))
    } catch {
      diagnostics.append("the search by shape: \(error)")
    }
  }
}
