extension CoreDump {
  /// What `varve coroutines` shows.
  public func coroutines(withWaits: Bool = false) -> CoroutinesReport {
    reporter(StackReporter(process: process, options: StackOptions()), inspection())
      .report(file: path, withWaits: withWaits, warnings: warnings)
  }

  /// Writes a copy of the core to `output` in which coroutines are threads; the live ones only,
  /// unless `includingIdle`. Throws a `VarveError` that names the file at fault.
  public func writeCore(
    to output: String, includingIdle: Bool = false, replacing: Bool = false,
    progress: ProgressHandler = .silent
  ) throws(VarveError) -> AugmentedCoreReport {
    let inspection = inspection()
    let chosen = inspection.coroutines.coroutines.filter { coroutine in
      // One that runs is a thread's stack already.
      if case .running = coroutine.state { return false }
      return includingIdle || coroutine.state.isLive
    }
    let firstID = Self.firstFreeThreadID(above: process.threads.map { Int32(bitPattern: $0.lwp) })
    let threads = chosen.enumerated().map { index, coroutine in
      AddedThread(
        id: firstID + Int32(index), registers: coroutine.registers,
        threadPointer: threadPointer(ofThread: coroutine.context?.homeThread))
    }
    do {
      try AugmentedCore(core, adding: threads).write(
        to: output, copying: file.mapped, inputs: [file.identity], replacing: replacing,
        progress: progress)
    } catch {
      progress(nil)
      throw VarveError(file: output, reason: "\(error)")
    }
    return AugmentedCoreReport(
      input: path, output: output,
      threads: zip(chosen, threads).enumerated().map { index, pair in
        AugmentedCoreReport.Thread(
          number: process.threads.count + index + 1, lwp: pair.1.id,
          coroutine: pair.0.address.description, state: pair.0.state.description)
      },
      warnings: warnings + inspection.coroutines.diagnostics)
  }

  /// Thread ids for coroutines start beyond any that Linux gives out (`PID_MAX_LIMIT`, 2²² in
  /// include/linux/threads.h), so that nobody takes them for threads, and beyond those in the dump.
  private static func firstFreeThreadID(above ids: [Int32]) -> Int32 {
    let largest = ids.max() ?? 0
    let start: Int32 = 10_000_001
    // A dump that claims larger ids lies, but two threads of one id would confuse debuggers.
    return largest < start || largest > .max - 1_000_000 ? start : largest + 1
  }

  private func threadPointer(ofThread id: Int32?) -> VirtualAddress? {
    guard let id else { return nil }
    return process.threads.first { Int32(bitPattern: $0.lwp) == id }?.threadPointer
  }

  /// What can be told of the coroutines.
  func inspection() -> QEMUInspection {
    QEMUInspection(process, windows: ReleasingWindows(file: file.mapped))
  }

  func reporter(
    _ stacks: StackReporter, _ inspection: QEMUInspection
  ) -> CoroutineReporter {
    var reporter = CoroutineReporter(inspection, process: process, stacks: stacks)
    let windows = ReleasingWindows(file: file.mapped)
    reporter.letGo = { [memory = process.memory] stack in
      guard let region = memory.region(containing: stack.usableStart), let bytes = region.bytes,
        let skip = stack.usableStart.offset(from: region.start),
        let count = stack.end.offset(from: stack.usableStart)
      else { return }
      windows.release(bytes.clampedSubview(at: skip, count: count))
    }
    return reporter
  }
}
