import ArgumentParser
import FoundationEssentials
import Synchronization
import Varve

/// One run of a command: where its output, progress and warnings go.
struct Session {
  let output: OutputOptions

  /// Shows the step that lasts, on standard error if that is a terminal.
  var progress: ProgressHandler {
    guard !output.isQuiet, StandardStream.error.isTerminal else { return .silent }
    return ProgressHandler { step in Self.complain(Self.progressLine(step)) }
  }

  /// What lives until the process ends, whose end frees it faster than piece by piece.
  private static let kept = Mutex<[CoreDump]>([])

  /// Opens a core that stays open until the process ends.
  func open(_ path: String, _ search: SearchOptions) throws(VarveError) -> CoreDump {
    let dump = try CoreDump(opening: path, places: search.places, progress: progress)
    Self.kept.withLock { $0.append(dump) }
    return dump
  }

  /// Overwrites the progress that was shown; nil removes it.
  private static func progressLine(_ step: ProgressStep?) -> String {
    guard let step else { return "\r\u{1b}[K" }
    var line = "\r\u{1b}[K" + TextStyle.visible(step.what)
    if let total = step.total, total > 0 { line += " \(min(100, step.done / (total / 100 + 1)))%" }
    return line
  }

  /// Prints `report` as JSON, or as what `text` makes of it.
  func print<Report: Encodable>(_ report: Report, text: (Report) -> String) throws {
    if output.isJSON {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      let json = String(decoding: try encoder.encode(report), as: UTF8.self)
      try StandardStream.output.write(json + "\n")
    } else {
      try StandardStream.output.write(text(report) + "\n")
    }
  }

  /// Prints what isn't an answer but worth knowing on standard error.
  func note(_ text: String) {
    guard !output.isQuiet else { return }
    Self.complain(text + "\n")
  }

  /// Prints each of `lines`, once, on standard error.
  func warn(_ lines: [String]) {
    guard !output.isQuiet else { return }
    var seen: Set<String> = []
    for line in lines where seen.insert(line).inserted {
      Self.complain("varve: warning: \(TextStyle.visible(line))\n")
    }
  }

  /// Writes to standard error. If even that fails, nobody is left to be told.
  private static func complain(_ text: String) {
    do throws(HostError) { try StandardStream.error.write(text) } catch {}
  }

  /// Runs `body`; an error becomes one line on standard error and exit status 1.
  static func run(_ output: OutputOptions, _ body: (Session) throws -> Void) throws {
    do {
      try body(Session(output: output))
    } catch {
      complain("varve: \(TextStyle.visible("\(error)"))\n")
      throw ExitCode.failure
    }
  }

  /// The same for what waits.
  static func run(_ output: OutputOptions, _ body: (Session) async throws -> Void) async throws {
    do {
      try await body(Session(output: output))
    } catch {
      complain("varve: \(TextStyle.visible("\(error)"))\n")
      throw ExitCode.failure
    }
  }
}
