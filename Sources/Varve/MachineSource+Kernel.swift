extension MachineSource {
  /// The Linux kernel that the guest runs, found by what its memory holds. Throws a `VarveError` that
  /// says what was tried.
  public func linuxKernel(
    progress: ProgressHandler = .silent
  ) throws(VarveError) -> LinuxKernel {
    progress(
      ProgressStep(what: "looking for a Linux kernel in guest memory", done: 0, total: nil))
    defer { progress(nil) }
    do throws(LinuxGuestError) {
      return try LinuxKernel.find(in: machine, release: release)
    } catch {
      throw VarveError(file: path, reason: "\(error)")
    }
  }
}
