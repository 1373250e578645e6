import ArgumentParser
import Varve

/// `varve timeline`
struct TimelineView: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "timeline",
    abstract: "Draw a recording: its length, checkpoints and bookmarks.",
    discussion: """
      Shows what replays have left with the recording so far. QEMU isn't started, and a replay may be \
      under way. In a debugger, monitor timeline also shows where it is, and what every found.

      EXAMPLES
        varve timeline boot
        varve timeline boot --svg boot.svg
        varve timeline boot --json | jq '.bookmarks[].moment'
      """)

  @Argument(help: "The recording's directory.", completion: .directory)
  var directory: String

  @Option(
    name: .customLong("svg"),
    help: ArgumentHelp("Draw it into FILE instead.", valueName: "file"), completion: .file())
  var picture: String?

  @Flag(name: .customLong("force"), help: "Replace an existing file.")
  var isForced = false

  @OptionGroup var output: OutputOptions

  func run() async throws {
    try Session.run(output) { session in
      let report = try TimelineReport(opening: directory)
      if let picture {
        try report.draw(to: picture, replacing: isForced)
        if !output.isJSON { return session.note("varve: drawn in \(picture)") }
      }
      try session.print(report) { $0.text() }
    }
  }
}
