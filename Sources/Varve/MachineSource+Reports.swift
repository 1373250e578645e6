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
    var rejected: [RejectedVMCoreInfo] = []
    let kernel = kernelInformation(progress: progress, rejected: &rejected)
    var report = MachineReport(machine, vmcoreInfo: kernel?.report)
    report.evidence += rejected.prefix(Self.rejectionLimit).map { "rejected: \($0)" }
    return report
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
  /// What the file at `path` holds, whatever it is. A running QEMU whose monitor `options` have is
  /// paused meanwhile. Throws a `VarveError` that names the file or the monitor.
  public init(
    ofFile path: String, options: MachineOptions, progress: ProgressHandler = .silent
  ) throws {
    self = try MachineSource.whilePaused(path, options) { isPaused in
      try InfoReport(ofFile: path, options: options, isPaused: isPaused, progress: progress)
    }
  }

  private init(
    ofFile path: String, options: MachineOptions, isPaused: Bool, progress: ProgressHandler
  ) throws(VarveError) {
    switch try Subject(opening: path, options: options, progress: progress) {
    case .process(let dump): self = dump.info(options: options, progress: progress)
    case .machine(let source): self = source.info(progress: progress)
    case .live(let process):
      self.init(file: path, runningProcess: process)
      do {
        let source = try MachineSource(
          running: process, as: path, options: options, isPaused: isPaused)
        machine = source.machineReport(progress: progress)
        warnings += source.machine.diagnostics
      } catch {
        warnings.append("\(error)")
      }
    }
  }
}
