/// A process that runs, given as `pid:N`.
struct RunningInput {
  /// As it was given.
  let path: String
  let facts: RunningProcess
  let process: Process

  /// Throws `.noSuchProcess`, and `.unreadable` without the permission to look into it.
  init(_ processID: Int32, as path: String, places: DebugFilePlaces) throws(TargetError) {
    self.path = path
    facts = try RunningProcess(processID)
    process = try Process(live: processID, finder: DebugFileFinder(places))
  }

  /// The files that the process has mapped, a guest's memory perhaps among them.
  var mappedFiles: Set<FileIdentity> {
    var identities: Set<FileIdentity> = []
    for path in Set(process.mappings.compactMap(\.path)) {
      do throws(HostError) {
        identities.insert(try OpenFile.open(path).identity)
      } catch {
        // No file, or without this name by now: no output can take its place.
      }
    }
    return identities
  }
}
