internal import Foundation

/// The command `varve` itself.
public enum Command {
  /// What make test built, or what lies beside the tests.
  public static let path: String =
    ProcessInfo.processInfo.environment["VARVE_BINARY"]
    ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent(".build/debug/varve").path

  /// Runs `varve`; gives its status and what it printed, both streams together.
  public static func run(
    _ arguments: [String], in directory: ScratchDirectory
  ) throws -> (status: Int, text: String) {
    let quoted = ([path] + arguments).map { "'\($0)'" }.joined(separator: " ")
    let text = try Tool.run(
      "bash", "-c", "\(quoted) 2>&1; echo status $?", in: directory, mayFail: true)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    guard let status = lines.last.flatMap({ Int($0.dropFirst("status ".count)) }) else {
      throw ToolFailure(description: "varve \(arguments) printed no status: \(text)")
    }
    return (status, lines.dropLast().joined(separator: "\n"))
  }
}
