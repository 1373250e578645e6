public import TimeTravel

extension Recording {
  /// Where checkpoints and bookmarks are kept from one session to the next.
  public var catalogue: CatalogueFile { CatalogueFile(file("checkpoints.json")) }

  /// What earlier sessions left of its moments. Needs no QEMU, and may be asked while one replays.
  public func survey() throws(ReplayError) -> TimelineSurvey {
    let instructions =
      if let ending = description.ending { ending.instructions } else {
        try readLog().instructions
      }
    let known: CheckpointCatalogue
    do throws(TimelineError) {
      known = try catalogue.load() ?? CheckpointCatalogue()
    } catch {
      throw .timeline(error)
    }
    // One short of the recorded end, as the engine goes.
    let end = Moment(instructions).earlier(by: 1)
    return TimelineSurvey(recorded: Moment(0)...end, shift: description.shift, catalogue: known)
  }
}
