import Foundation

/// Programs that tests run beside Varve.
public enum Tool {
  /// The program didn't run, or ended with another status than 0.
  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  /// What `command`, looked up in PATH, writes to standard output. Standard error is part of the
  /// failure's text.
  public static func output(
    _ command: [String], environment: [String: String] = [:]
  ) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let (output, errors) = (Pipe(), FileManager.default.temporaryDirectory)
    let errorFile = errors.appendingPathComponent("tool-\(UUID().uuidString)")
    try Data().write(to: errorFile)
    defer { try? FileManager.default.removeItem(at: errorFile) }
    process.standardOutput = output
    process.standardError = try FileHandle(forWritingTo: errorFile)
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      let complaint = String(decoding: try Data(contentsOf: errorFile), as: UTF8.self)
      throw Failure(
        description: "\(command.joined(separator: " ")): status \(process.terminationStatus): "
          + complaint)
    }
    return String(decoding: data, as: UTF8.self)
  }
}
