extension MachineSource {
  /// What `varve bt --guest` shows: the kernel's stacks of the tasks that `selection` names; with
  /// `isGrouped`, equal ones once. Lines, inlined functions and arguments come from the vmlinux of
  /// this very kernel if one is found in `places`. Throws a `VarveError` if there is no such task.
  public func guestStacks(
    _ selection: GuestStackSelection, isGrouped: Bool = false, options: StackOptions,
    places: DebugFilePlaces = DebugFilePlaces(), progress: ProgressHandler = .silent
  ) throws(VarveError) -> GuestStackReport {
    let kernel = try linuxKernel(places: places, progress: progress)
    let debug = KernelDebugSearch(
      kernel, host: host, places: places, isWanted: !options.isRaw, progress: progress)
    let stacks: KernelStacks
    let list: TaskList
    do throws(StructureError) {
      stacks = try KernelStacks(kernel, debugFile: debug.file)
      list = try kernel.tasks()
    } catch {
      throw VarveError(
        file: path, reason: "tasks of \(kernel.release): \(reason(error, in: kernel))")
    }
    let chosen = try choose(selection, list, stacks)
    let reporter = GuestStackReporter(stacks, options: options)
    var report = GuestStackReport(file: path, release: kernel.release)
    if isGrouped {
      report.groups = reporter.groups(chosen)
    } else {
      report.tasks = chosen.map(reporter.report)
    }
    report.warnings =
      warnings.filter { line in !debug.used.contains { line.hasPrefix("\($0) is not used:") } }
      + debug.warnings.filter { !kernel.diagnostics.contains($0) } + kernel.diagnostics
      + list.diagnostics + stacks.diagnostics
      + stacks.process.modules.flatMap { $0.contents.diagnostics } + reporter.problems.lines
    return report
  }

  private func choose(
    _ selection: GuestStackSelection, _ list: TaskList, _ stacks: KernelStacks
  ) throws(VarveError) -> [GuestTask] {
    switch selection {
    case .all: return list.tasks
    case .pid(let pid):
      let found = list.tasks(pid: pid)
      guard !found.isEmpty else {
        throw VarveError(
          file: path, reason: "no task has the number \(pid); there are \(list.tasks.count) tasks")
      }
      return found
    case .cpus: return stacks.cpus.compactMap { running($0, list) }
    case .cpu(let number):
      guard let cpu = stacks.cpus.first(where: { $0.number == number }) else {
        throw VarveError(
          file: path, reason: "there is no CPU \(number); the kernel has \(stacks.cpus.count)")
      }
      guard let task = running(cpu, list) else {
        throw VarveError(file: path, reason: "what CPU \(number) runs can't be read")
      }
      return [task]
    }
  }

  /// The task that `cpu` runs; nil if that can't be read.
  private func running(_ cpu: GuestCPU, _ list: TaskList) -> GuestTask? {
    guard let address = cpu.current ?? cpu.scheduled else { return nil }
    return list.tasks.first { $0.address == address }
  }
}

/// The search for a kernel's vmlinux among the analyst's files.
struct KernelDebugSearch {
  private(set) var file: KernelDebugFile?
  /// Given files that are the kernel's.
  private(set) var used: [String] = []
  private(set) var warnings: [String] = []

  init(
    _ kernel: LinuxKernel, host: Process?, places: DebugFilePlaces, isWanted: Bool,
    progress: ProgressHandler
  ) {
    let finder = DebugFileFinder(places) { step in
      progress(
        ProgressStep(
          what: "downloading debug information \(step.buildID)", done: UInt64(max(0, step.done)),
          total: step.total > 0 ? UInt64(step.total) : nil))
      return true
    }
    defer { progress(nil) }
    guard let id = kernel.buildID else {
      if !finder.givenFiles.isEmpty {
        warnings.append(
          "the kernel's build-id isn't in its memory, so no vmlinux is known to be its")
      }
      return
    }
    tellStrays(finder, id, host)
    guard isWanted else { return }
    let files = finder.find(ModuleIdentity(path: nil, buildID: id))
    guard let found = files.debugFile else { return }
    file = KernelDebugFile(
      path: found.path, image: found.image, alternate: files.alternateFile?.image.bytes)
  }

  /// A given file that belongs neither to the kernel nor to the process it runs in is refused.
  private mutating func tellStrays(_ finder: DebugFileFinder, _ id: BuildID, _ host: Process?) {
    if host == nil { warnings += finder.unusableGivenFiles.map(\.description) }
    for file in finder.givenFiles {
      guard let found = file.image.buildID else {
        warnings.append("\(file.path) is not used: it has no build-id; the kernel's is \(id)")
        continue
      }
      if found == id {
        used.append(file.path)
      } else if host?.modules.contains(where: { $0.buildID == found }) != true {
        warnings.append("\(file.path) is not used: its build-id is \(found), the kernel's is \(id)")
      }
    }
  }
}
