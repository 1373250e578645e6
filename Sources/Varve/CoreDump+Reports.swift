extension CoreDump {
  /// What `varve info` shows.
  public func info() -> InfoReport {
    InfoReport(file: path, core: core, process: process, warnings: warnings)
  }

  /// What `varve bt` shows. Throws if there is no such thread.
  public func backtraces(
    _ selection: StackSelection, options: StackOptions
  ) throws(SelectionError) -> BacktraceReport {
    let reporter = StackReporter(process: process, options: options)
    let threads = try process.threads(selection)
    var report = BacktraceReport(file: path)
    report.threads = threads.map(reporter.report)
    report.warnings = warnings + reporter.problems.lines
    return report
  }
}
