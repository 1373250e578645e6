extension MachineSource {
  /// What `varve regs` shows: one CPU's registers, or with nil all CPUs'.
  public func registers(ofCPU number: Int?) throws(VarveError) -> RegistersReport {
    var cpus = machine.cpus
    if let number { cpus = [try machine.cpu(number, of: path)] }
    guard !cpus.isEmpty else {
      throw VarveError(file: path, reason: "it holds no registers of CPUs")
    }
    return RegistersReport(file: path, cpus: cpus, warnings: warnings)
  }

  /// Whether map and registers agree with the guest's own tables; `isThorough` reads all of memory.
  func checks(isThorough: Bool) -> [MachineProof] {
    let check = MachineCheck(machine, release: release)
    return isThorough ? check.proofs() : check.quickProofs()
  }

  /// What `varve info` shows of the machine, and what is wrong with it, a line each.
  func machineReport(
    isThorough: Bool, progress: ProgressHandler
  ) -> (report: MachineReport, warnings: [String]) {
    var rejected: [RejectedVMCoreInfo] = []
    let information = kernelInformation(progress: progress, rejected: &rejected)
    let (kernel, absence) = guestKernelReport(progress: progress)
    progress(ProgressStep(what: "checking the machine", done: 0, total: nil))
    defer { progress(nil) }
    let checks = checks(isThorough: isThorough)
    var report = MachineReport(
      machine, vmcoreInfo: information?.report, kernel: kernel, checks: checks)
    var warnings = checks.refutations + rejected.prefix(Self.rejectionLimit).map { "\($0)" }
    if let absence {
      // A machine needn't run Linux; one whose VMCOREINFO was found does.
      if information == nil { report.evidence.append(absence) } else { warnings.append(absence) }
    }
    return (report, warnings)
  }

  /// What `varve info` shows of a dump of a machine alone.
  public func info(isThorough: Bool = false, progress: ProgressHandler = .silent) -> InfoReport {
    let (report, refutations) = machineReport(isThorough: isThorough, progress: progress)
    return InfoReport(
      file: path, kind: kind, architecture: machine.architecture.name, machine: report,
      warnings: warnings + refutations)
  }
}

extension [MachineProof] {
  /// A warning for each check that fails.
  var refutations: [String] {
    filter { $0.verdict == .refuted }.map {
      "the guest contradicts what was found: \($0.statement)"
    }
  }
}

extension CoreDump {
  /// What `varve info` shows: the process, and if it is a QEMU, the machine in it.
  public func info(
    options: MachineOptions, isThorough: Bool = false, progress: ProgressHandler = .silent
  ) -> InfoReport {
    var report = info()
    guard report.qemu != nil else { return report }
    do {
      let source = try MachineSource(hostedBy: self, options: options, progress: progress)
      let (machine, refutations) = source.machineReport(
        isThorough: isThorough, progress: progress)
      report.machine = machine
      report.warnings += source.machine.diagnostics + refutations
    } catch {
      report.warnings.append("\(error)")
    }
    return report
  }
}

extension InfoReport {
  /// What the file at `path` holds, whatever it is. Throws a `VarveError` that names it.
  public init(
    ofFile path: String, options: MachineOptions, isThorough: Bool = false,
    progress: ProgressHandler = .silent
  ) throws(VarveError) {
    do {
      self = try GuestPause.during(path, options) { pause in
        switch try Subject(opening: path, options: options, progress: progress) {
        case .process(let dump):
          dump.info(options: options, isThorough: isThorough, progress: progress)
        case .machine(let source): source.info(isThorough: isThorough, progress: progress)
        case .live(let input):
          input.info(
            options: options, pause: pause, isThorough: isThorough, progress: progress)
        }
      }
    } catch let error as VarveError {
      throw error
    } catch {
      throw VarveError(file: path, reason: "\(error)")
    }
  }
}

extension RunningInput {
  /// What `varve info` shows: the process, and if it is a QEMU, the machine in it.
  func info(
    options: MachineOptions, pause: String?, isThorough: Bool, progress: ProgressHandler
  ) -> InfoReport {
    var report = InfoReport(file: path, facts: facts, process: process)
    guard let identity = QEMUIdentity(process) else { return report }
    report.qemu = QEMUReport(version: identity.version, evidence: identity.evidence)
    do {
      let source = try MachineSource(in: self, options: options, pause: pause)
      let (machine, refutations) = source.machineReport(
        isThorough: isThorough, progress: progress)
      report.machine = machine
      report.warnings = source.warnings + refutations
    } catch {
      report.warnings.append("\(error)")
    }
    return report
  }
}
