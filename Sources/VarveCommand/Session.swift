import ArgumentParser
import Foundation
import Varve

/// One run of a command: where its output, progress and warnings go.
struct Session {
  let output: OutputOptions

  init(_ output: OutputOptions) { self.output = output }

  /// Shows the step that lasts, on standard error if that is a terminal.
  var progress: ProgressHandler {
    guard !output.isQuiet, Host.isTerminal(2) else { return .silent }
    let line = ProgressLine()
    return ProgressHandler { step in line.show(step) }
  }

  /// Prints `report` as JSON, or as what `text` makes of it.
  func print<Report: Encodable>(_ report: Report, text: (Report) -> String) throws {
    let bytes: Data
    if output.isJSON {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      bytes = try encoder.encode(report) + Data("\n".utf8)
    } else {
      bytes = Data((text(report) + "\n").utf8)
    }
    try write(bytes, to: .standardOutput)
  }

  /// Prints each of `lines`, once, on standard error.
  func warn(_ lines: [String]) {
    guard !output.isQuiet else { return }
    var seen: Set<String> = []
    for line in lines where seen.insert(line).inserted {
      let text = "varve: warning: \(TextStyle.visible(line))\n"
      FileHandle.standardError.write(Data(text.utf8))
    }
  }

  /// A reader that closes the pipe early, such as `head`, is no failure.
  private func write(_ bytes: Data, to handle: FileHandle) throws {
    do {
      try handle.write(contentsOf: bytes)
    } catch let error as CocoaError where error.isBrokenPipe {
      throw ExitCode.success
    }
  }
}

extension CocoaError {
  fileprivate var isBrokenPipe: Bool {
    (userInfo[NSUnderlyingErrorKey] as? POSIXError)?.code == .EPIPE
  }
}

/// Runs `body`; an error becomes one line on standard error and exit status 1.
func run(with session: Session, _ body: (Session) throws -> Void) throws {
  do {
    try body(session)
  } catch let error as ExitCode {
    throw error
  } catch {
    let text = "varve: \(TextStyle.visible("\(error)"))\n"
    FileHandle.standardError.write(Data(text.utf8))
    throw ExitCode.failure
  }
}

/// Draws progress on one terminal line.
final class ProgressLine: Sendable {
  /// Overwrites what was shown; nil removes it.
  func show(_ step: ProgressStep?) {
    guard let step else {
      FileHandle.standardError.write(Data("\r\u{1b}[K".utf8))
      return
    }
    let share = step.total.map { total in
      total == 0 ? "" : " \(min(100, step.done * 100 / total))%"
    }
    let text = "\r\u{1b}[K\(TextStyle.visible(step.what))\(share ?? "")"
    FileHandle.standardError.write(Data(text.utf8))
  }
}
