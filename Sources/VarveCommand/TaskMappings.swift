import ArgumentParser
import Varve

/// `varve maps`
struct TaskMappings: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "maps",
    abstract: "Print the mappings of a process of the guest.",
    discussion: """
      The lines are those of /proc/PID/maps in the guest. --rss adds, before the name, how much of \
      each mapping the process's page tables have present.

      EXAMPLES
        varve maps core --pid 1
        varve maps vmcore --pid 412 --rss
        varve maps core --pid 1 --json | jq -r '.mappings[].path'
      """)

  @Argument(help: "The input: see varve help vmcore.", completion: .file())
  var file: String

  @Option(
    name: .customLong("pid"),
    help: ArgumentHelp("The process, or one of its threads.", valueName: "n"))
  var pid: Int

  @Flag(name: .customLong("rss"), help: "Show how much of each mapping is present.")
  var countsPages = false

  @OptionGroup var machine: MachineSearchOptions
  @OptionGroup var search: SearchOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try Session.run(output) { session in
      try MachineSource.withOpened(
        file, options: machine.options(search), progress: session.progress
      ) { source in
        let report = try source.taskMappings(
          pid: pid, countsPages: countsPages, progress: session.progress)
        session.warn(report.warnings)
        try session.print(report) { $0.text(output.style, explain: output.explain) }
      }
    }
  }
}
