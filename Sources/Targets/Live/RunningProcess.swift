import Bytes
import HostSystem

/// What the system tells of a process that runs, without looking into its memory.
public struct RunningProcess: Hashable, Sendable {
  public let processID: Int32
  public let parentID: Int32
  /// The real user's.
  public let userID: UInt32
  /// The program's file name, cut to 15 bytes.
  public let name: String
  /// The command line with spaces between its words; empty for a thread of the kernel.
  public let arguments: String

  /// The process `processID`. Throws `.noSuchProcess`, and `.unreadable` if even these facts are
  /// kept secret (proc(5), `hidepid`).
  public init(_ processID: Int32) throws(TargetError) {
    let files = ProcessFiles(processID)
    do throws(HostError) {
      let status = StatusFields(String(decoding: try files.contents("status")))
      let words = String(decoding: try files.contents("cmdline")).split(separator: "\0")
      self.processID = processID
      parentID = status.number("PPid").flatMap(Int32.init(exactly:)) ?? 0
      userID = status.number("Uid").flatMap(UInt32.init(exactly:)) ?? 0
      name = status.text("Name")
      arguments = words.joined(separator: " ")
    } catch {
      throw error.isAbsence
        ? .noSuchProcess(processID: processID)
        : .unreadable(processID: processID, reason: "\(error)")
    }
  }
}

/// `/proc/PID/status`: a name, a colon, a tab and a value in each line (proc_pid_status(5)).
private struct StatusFields {
  private let lines: [Substring]

  init(_ text: String) { lines = text.split(separator: "\n") }

  func text(_ name: String) -> String {
    let line = lines.first { $0.hasPrefix("\(name):") } ?? ""
    return String(line.dropFirst(name.utf8.count + 1).drop(while: \.isWhitespace))
  }

  /// The first number.
  func number(_ name: String) -> Int64? {
    text(name).split(whereSeparator: \.isWhitespace).first.flatMap { Int64($0) }
  }
}
