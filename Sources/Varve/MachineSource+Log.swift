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
      throw VarveError(file: path, reason: "the kernel's log: \(reason(error, in: kernel))")
    }
    var clock: KernelClock?
    var warnings = warnings(about: kernel)
    do throws(StructureError) {
      clock = try KernelClock(kernel)
    } catch {
      warnings.append("times of day aren't known: \(error)")
    }
    do throws(StructureError) {
      warnings += try kernel.unloggedMessages()
    } catch {
      warnings.append("messages that wait to be logged: \(error)")
    }
    return KernelLogReport(
      file: path, release: kernel.release, log: log, clock: clock, filter: filter,
      warnings: warnings)
  }
}

extension MachineSource {
  /// What the guest's kernel says of itself, or why there is none.
  func guestKernelReport(
    progress: ProgressHandler
  ) -> (report: GuestKernelReport?, absence: String?) {
    let kernel: LinuxKernel
    do throws(VarveError) {
      kernel = try linuxKernel(progress: progress)
    } catch {
      return (nil, error.reason)
    }
    var facts = KernelFacts(kernel)
    facts.diagnostics = kernel.diagnostics + facts.diagnostics
    do throws(KernelLogError) {
      return (GuestKernelReport(kernel, facts, log: try kernel.log()), nil)
    } catch {
      facts.diagnostics.append("log: \(error)")
      return (GuestKernelReport(kernel, facts, log: nil), nil)
    }
  }
}
