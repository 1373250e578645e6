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

  /// What `varve info` shows of the machine.
  public func machineReport(progress: ProgressHandler = .silent) -> MachineReport {
    MachineReport(machine, vmcoreInfo: kernelInformation(progress: progress)?.report)
  }

  /// What `varve info` shows of a dump of a machine alone.
  public func info(progress: ProgressHandler = .silent) -> InfoReport {
    InfoReport(
      file: path, kind: kind, architecture: machine.architecture.name,
      machine: machineReport(progress: progress), warnings: warnings)
  }
}

extension CoreDump {
  /// What `varve info` shows: the process, and if it is a QEMU, the machine in it.
  public func info(
    options: MachineOptions, progress: ProgressHandler = .silent
  ) -> InfoReport {
    var report = info()
    guard report.qemu != nil else { return report }
    do {
      let source = try MachineSource(hostedBy: self, options: options, progress: progress)
      report.machine = source.machineReport(progress: progress)
      report.warnings += source.machine.diagnostics
    } catch {
      report.warnings.append("\(error)")
    }
    return report
  }
}

extension InfoReport {
  /// What the file at `path` holds, whatever it is. Throws a `VarveError` that names it.
  public init(
    ofFile path: String, options: MachineOptions, progress: ProgressHandler = .silent
  ) throws(VarveError) {
    do {
      self = try GuestPause.during(path, options) { pause in
        switch try Subject(opening: path, options: options, progress: progress) {
        case .process(let dump): dump.info(options: options, progress: progress)
        case .machine(let source): source.info(progress: progress)
        case .live(let input): input.info(options: options, pause: pause, progress: progress)
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
    options: MachineOptions, pause: String?, progress: ProgressHandler
  ) -> InfoReport {
    var report = InfoReport(file: path, facts: facts, process: process)
    guard let identity = QEMUIdentity(process) else { return report }
    report.qemu = QEMUReport(version: identity.version, evidence: identity.evidence)
    do {
      let source = try MachineSource(in: self, options: options, pause: pause)
      report.machine = source.machineReport(progress: progress)
      report.warnings = source.warnings
    } catch {
      report.warnings.append("\(error)")
    }
    return report
  }
}
