extension MachineSource {
  /// What `varve dmesg` shows: the records of the guest kernel's log that pass `filter`.
  public func kernelLog(
    filter: LogFilter = LogFilter(), progress: ProgressHandler = .silent
  ) throws(VarveError) -> KernelLogReport {
    let kernel = try linuxKernel(progress: progress)
    let log: KernelLog
    do throws(KernelLogError) {
      log = try kernel.log()
    } catch {
      throw VarveError(file: path, reason: "the kernel's log: \(error)")
    }
    var clock: KernelClock?
    var warnings = warnings + kernel.diagnostics
    do throws(StructureError) {
      clock = try KernelClock(kernel)
    } catch {
      warnings.append("times of day aren't known: \(error)")
    }
    return KernelLogReport(
      file: path, release: kernel.release, log: log, clock: clock, filter: filter,
      warnings: warnings)
  }
}
