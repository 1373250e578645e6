import Bytes
public import Targets

/// The machine in a QEMU process and what it was found by.
public struct QEMUMachine: Sendable {
  public let machine: Machine
  public let findings: MachineFindings
  /// What the dump lacks of the guest's memory, but a file has.
  public let absentBackings: [AbsentBacking]

  /// How a machine is looked for.
  public struct Options: Sendable {
    /// Debug information is used where there is some.
    public var usesDebugInformation = true
    /// Both ways are taken, and where they disagree the diagnostics tell.
    public var crossChecks = false
    /// Where the guest's memory is, if the user knows better.
    public var given: [GivenRAM] = []
    /// What to show where the dump lacks the process's memory.
    public var standIns: [HostStandIn] = []

    public init() {}
  }

  /// Finds the machine in `process` by its program's debug information; without, or if that leads
  /// nowhere, by the shape of QEMU's structures. `windows` is how the search reads the process's
  /// memory.
  public static func find(
    in process: Process, options: Options = Options(),
    windows: some MemoryWindows = MappedWindows()
  ) throws(MachineError) -> QEMUMachine {
    var findings = try findings(in: process, options: options, windows: windows)
    if options.crossChecks, findings.basis == .debugInformation {
      do throws(MachineError) {
        let other = try bySearch(in: process, given: [], windows: windows)
        findings.diagnostics += findings.differences(from: other)
      } catch {
        findings.diagnostics.append("the search by shape: \(error)")
      }
    }
    return QEMUMachine(findings, in: process, standIns: options.standIns)
  }

  private static func findings(
    in process: Process, options: Options, windows: some MemoryWindows
  ) throws(MachineError) -> MachineFindings {
    var reason: MachineError?
    if options.usesDebugInformation {
      do throws(MachineError) {
        return try byDebugInformation(in: process, given: options.given)
      } catch .noDebugInformation {
        // The search needs none.
      } catch {
        reason = error
      }
    }
    do throws(MachineError) {
      var findings = try bySearch(in: process, given: options.given, windows: windows)
      if let reason { findings.diagnostics.insert("\(reason)", at: 0) }
      return findings
    } catch {
      guard let reason else { throw error }
      throw .notFound(reasons: ["\(reason)", "\(error)"])
    }
  }

  /// What QEMU's variables say, by the program's debug information.
  private static func byDebugInformation(
    in process: Process, given: [GivenRAM]
  ) throws(MachineError) -> MachineFindings {
    guard let structures = QEMUStructures(process) else { throw .noDebugInformation }
    var layout: GuestMemoryLayout?
    do throws(MachineSearchError) {
      if !given.isEmpty { layout = try GuestMemoryLayout(given: given) }
    } catch {
      throw .search(error)
    }
    do throws(QEMUError) {
      return try MachineFindings(structures, layout: layout)
    } catch {
      throw .structures(error)
    }
  }

  /// What the shape of QEMU's structures, or the contents of memory, say.
  private static func bySearch(
    in process: Process, given: [GivenRAM], windows: some MemoryWindows
  ) throws(MachineError) -> MachineFindings {
    do throws(MachineSearchError) {
      return MachineFindings(try MachineSearch(process).search(given: given, windows: windows))
    } catch {
      throw .search(error)
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
