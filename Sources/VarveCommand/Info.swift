import ArgumentParser
import Varve

/// `varve info`
struct Info: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info",
    abstract: "Say what a file holds.",
    discussion: """
      Prints the process, the signal that ended it, how much of its memory is there and how much is \
      missing, its modules, and which files were found for them. With --explain it adds how each \
      file was found and verified, and which were refused and why.

      EXAMPLES
        varve info core
        varve info core --explain --sysroot /srv/root-of-that-machine
        varve info core --json | jq .memory
      """)

  @Argument(help: "The core dump.", completion: .file())
  var file: String

  @OptionGroup var search: SearchOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try Session.run(output) { session in
      let dump = try CoreDump(opening: file, places: search.places, progress: session.progress)
      let report = dump.info()
      session.warn(report.warnings)
      try session.print(report) { $0.text(output.style, explain: output.explain) }
    }
  }
}
