public import HostSystem
public import QEMUMonitor
public import TimeTravel

/// Why a machine couldn't be recorded or a recording not be replayed.
public enum ReplayError: Error, Hashable, Sendable {
  /// QEMU's option `option`, as the user wrote it, can't be part of a recording.
  case refused(option: String, reason: String)
  /// The command line isn't one of QEMU's.
  case commandLine(String)
  /// `path` isn't the directory of a recording, or one that this version can't read.
  case notARecording(path: String, reason: String)
  /// The log can't be read from `offset` on.
  case log(path: String, offset: UInt64, reason: String)
  /// What the recording was made with has changed since: `what` was `recorded`, and now is `found`.
  case mismatch(what: String, recorded: String, found: String)
  /// A program that was started ended or failed; `output` is what it last said.
  case program(String, reason: String, output: String)
  /// QEMU's debugger stub answered what makes no sense.
  case stub(String)
  /// QEMU can't do this.
  case unsupported(String)
  /// QEMU didn't come further for `seconds`: it stands at `instruction`, in the state `status`.
  case stalled(instruction: UInt64, status: String, seconds: Int)
  /// QEMU has ended.
  case engineDied(String)
  case host(HostError)
  case monitor(QMPError)
  case timeline(TimelineError)
}

extension ReplayError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .refused(let option, let reason): "\(option): \(reason)"
    case .commandLine(let what): what
    case .notARecording(let path, let reason): "\(path): \(reason)"
    case .log(let path, let offset, let reason): "\(path): at offset \(offset): \(reason)"
    case .mismatch(let what, let recorded, let found):
      "\(what) isn't what the recording was made with: it was \(recorded), it is \(found)"
    case .program(let name, let reason, let output):
      "\(name) \(reason)" + (output.isEmpty ? "" : ": \(output)")
    case .stub(let what): "QEMU's debugger stub: \(what)"
    case .unsupported(let what): "QEMU can't do this: \(what)"
    case .stalled(let instruction, let status, let seconds):
      "QEMU stands still at instruction \(instruction) for \(seconds) s, in the state \(status)"
    case .engineDied(let how): "QEMU \(how)"
    case .host(let error): error.description
    case .monitor(let error): error.description
    case .timeline(let error): error.description
    }
  }
}

/// What `body` gives; what the system refused becomes this room's error.
func system<Result>(_ body: () throws(HostError) -> Result) throws(ReplayError) -> Result {
  do throws(HostError) { return try body() } catch { throw .host(error) }
}

/// What `body` gives; what the monitor refused becomes this room's error.
func asking<Result>(_ body: () throws(QMPError) -> Result) throws(ReplayError) -> Result {
  do throws(QMPError) { return try body() } catch { throw .monitor(error) }
}
