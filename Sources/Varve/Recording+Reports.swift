extension RecordingReport {
  /// Reads the recording in `path`, the log included. Throws a `VarveError`.
  public init(opening path: String, progress: ProgressHandler = .silent) throws(VarveError) {
    do throws(ReplayError) {
      let recording = try Recording(path)
      self.init(
        recording, log: try recording.readLog(), file: path,
        problem: Self.problem(recording, progress))
    } catch {
      throw VarveError(file: path, reason: "\(error)")
    }
  }

  private static func problem(_ recording: Recording, _ progress: ProgressHandler) -> String? {
    do throws(ReplayError) {
      try recording.verify(progress: progress)
      return nil
    } catch {
      return error.description
    }
  }
}

extension TimelineReport {
  /// Reads what is known of the recording in `path`, without replaying it. Throws a `VarveError`.
  public init(opening path: String) throws(VarveError) {
    do throws(ReplayError) {
      self.init(try Recording(path).survey(), file: path)
    } catch {
      throw VarveError(file: path, reason: "\(error)")
    }
  }

  /// Draws it into the file `path`, which appears when it is complete. An existing file is refused unless
  /// `replacing`. Throws a `VarveError`.
  public func draw(to path: String, replacing: Bool) throws(VarveError) {
    do throws(HostError) {
      let output = try AtomicOutputFile(path, replacing: replacing)
      try output.write(ByteView(copying: Array(chart.svg().utf8)), at: 0)
      try output.commit()
    } catch {
      throw VarveError(file: path, reason: "\(error)")
    }
  }
}
