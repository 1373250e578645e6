internal import Bytes
internal import HostSystem

extension Recording {
  /// Reads the log. Throws `.log` if it isn't one.
  public func readLog() throws(ReplayError) -> ReplayLog {
    let file = try system { () throws(HostError) in try MappedFile.open(logPath) }
    return try ReplayLog(
      file.bytes, path: logPath, release: QEMURelease(description.engine.version))
  }

  /// When the CPU took interrupts and exceptions. Throws `.log` if the log isn't one.
  func readEntries() throws(ReplayError) -> EntryMoments {
    let file = try system { () throws(HostError) in try MappedFile.open(logPath) }
    let log = try ReplayLog(
      file.bytes, path: logPath, release: QEMURelease(description.engine.version))
    return log.entries(file.bytes)
  }

  /// The command line `words` for this directory.
  func commandLine(_ words: [String]) -> [String] {
    let escaped = directory.replacing(",", with: ",,")
    return words.map { $0.replacing(RecordingPlan.directoryToken, with: escaped) }
  }

  /// Notes how the recording ended, after salvaging the log if it lacks its end.
  mutating func close(_ how: String) throws(ReplayError) {
    var log = try readLog()
    let isWhole = log.isComplete
    if !isWhole {
      try salvage(log)
      log = try readLog()
    }
    description.ending = RecordingDescription.Ending(
      how: how, instructions: log.instructions, events: log.events, logSize: log.wholeSize,
      isSalvaged: !isWhole)
    try save()
  }

  /// Closes a recording whose recorder was killed. Does nothing if it is closed. Throws `.log` if
  /// nothing of the log is of use, `.notARecording` if QEMU still writes it.
  public mutating func recover() throws(ReplayError) {
    guard description.ending == nil else { return }
    if let id = try recordingProcess() {
      throw .notARecording(path: directory, reason: "is still being recorded, by process \(id)")
    }
    try close("the recorder was killed")
  }

  /// The QEMU that is writing the log; nil if it has ended.
  private func recordingProcess() throws(ReplayError) -> Int32? {
    guard let id = description.processID else { return nil }
    do throws(HostError) {
      // Another process may have the number by now; QEMU's command line names the log.
      let words = String(decoding: try ProcessFiles(id).contents("cmdline"))
      return words.contains("rrfile=" + logPath.replacing(",", with: ",,")) ? id : nil
    } catch {
      if error.isAbsence { return nil }
      throw .host(error)
    }
  }

  /// Replaces the log by one with the whole events of `log`, a header and an end.
  private func salvage(_ log: ReplayLog) throws(ReplayError) {
    guard log.instructions > 0 else {
      throw .log(
        path: logPath, offset: log.wholeSize,
        reason: "nothing was recorded: \(log.damage ?? "the log is empty")")
    }
    let path = logPath
    try system { () throws(HostError) in
      let source = try OpenFile.open(path)
      let output = try AtomicOutputFile(path, replacing: true)
      try output.copy(0..<log.wholeSize, of: source, to: 0)
      let (header, end) = log.repair
      try output.write(ByteView(copying: header).bytes, at: 0)
      if let end { try output.write(ByteView(copying: end).bytes, at: log.wholeSize) }
      try output.commit()
    }
  }
}
