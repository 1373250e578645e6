internal import Glibc
internal import HostSystem
public import ObjectFiles
internal import Synchronization

/// Whether and which debuginfod servers are asked.
public enum DebuginfodPolicy: Hashable, Sendable {
  case off
  /// Those in `DEBUGINFOD_URLS`; none if it isn't set.
  case environment
  /// These (http, https or file URLs), instead of those in the environment. They are put into the
  /// process's environment, the only place where the client library looks.
  case servers([String])
}

/// How far a download has come.
public struct DebuginfodProgress: Hashable, Sendable {
  public let buildID: BuildID
  /// Whether the binary is wanted, or its debug file.
  public let isExecutable: Bool
  /// How many bytes have come; while servers are being asked, how many have answered.
  public let done: Int
  /// How many there are; 0 as long as that isn't known.
  public let total: Int
}

/// Asks debuginfod servers through libdebuginfod, which keeps what it gets in its cache and has
/// time limits of its own (`DEBUGINFOD_TIMEOUT`, `DEBUGINFOD_MAXTIME`).
final class DebuginfodService: Sendable {
  private let servers: String
  private let progress: (@Sendable (DebuginfodProgress) -> Bool)?
  /// One query at a time: a client isn't to be shared between threads. Made when first needed, and
  /// kept, since it keeps connections.
  private let client = Mutex<ClientState>(ClientState())

  private struct ClientState: ~Copyable {
    var client: DebuginfodClient?
  }

  /// Nil if nobody is to be asked.
  init?(_ policy: DebuginfodPolicy, progress: (@Sendable (DebuginfodProgress) -> Bool)?) {
    self.progress = progress
    switch policy {
    case .off: return nil
    case .environment:
      guard let urls = Host.environment("DEBUGINFOD_URLS"), !urls.isEmpty else { return nil }
      servers = urls
    case .servers(let urls):
      guard !urls.isEmpty else { return nil }
      servers = urls.joined(separator: " ")
    }
  }

  /// Asks for the debug file, or the binary, with the build-id `id`.
  func find(_ id: BuildID, executable: Bool) -> Result<FoundFile, RejectedError> {
    let asked = Candidate(
      path: "buildid/\(id)/\(executable ? "executable" : "debuginfo")",
      place: .debuginfod(url: servers))
    if let problem = serverProblem() { return asked.rejected(.debuginfod(message: problem)) }
    guard let library = DebuginfodLibrary.shared else {
      return asked.rejected(.debuginfod(message: "libdebuginfod.so.1 isn't installed"))
    }
    let answer = client.withLock { state -> DebuginfodClient.Answer in
      if Host.environment("DEBUGINFOD_URLS") != servers {
        Host.setEnvironment("DEBUGINFOD_URLS", to: servers)
      }
      if state.client == nil { state.client = DebuginfodClient(library) }
      guard let client = state.client else { return .failed(errno: ENOMEM) }
      return client.find(executable: executable, id.bytes) { [progress] done, total in
        progress?(
          DebuginfodProgress(buildID: id, isExecutable: executable, done: done, total: total))
          ?? true
      }
    }
    switch answer {
    case .failed(let code):
      return asked.rejected(.debuginfod(message: Self.explanation(code)))
    case .found(let descriptor, let path, let url):
      let found = Candidate(path: path, place: .debuginfod(url: url))
      do throws(HostError) {
        let file = try MappedFile(mapping: OpenFile(adopting: descriptor, path: path))
        return found.check(.buildID(id), file)
      } catch {
        return found.rejected(.unreadable(error))
      }
    }
  }

  /// What is wrong with the servers' URLs; nil if they are of the kinds that the library knows.
  private func serverProblem() -> String? {
    for url in servers.split(separator: " ") {
      let known = ["http://", "https://", "file://"].contains { url.hasPrefix($0) }
      if !known { return "\(url) is no http, https or file URL" }
    }
    return nil
  }

  private static func explanation(_ code: Int32) -> String {
    switch code {
    case ENOENT: "no server has it"
    case ETIME: "timed out"
    case ENETUNREACH, ECONNREFUSED, EHOSTUNREACH: "no server can be reached"
    case ENOSYS: "no servers are configured"
    default: Host.errorText(code)
    }
  }
}
