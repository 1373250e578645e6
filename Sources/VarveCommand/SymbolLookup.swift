import ArgumentParser
import Varve

/// `varve sym`
struct SymbolLookup: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sym",
    abstract: "Look up symbols of the guest's kernel and its modules.",
    discussion: """
      An address leads to the symbol it belongs to, a name to every symbol of that name, with nm's \
      letter, size and module. A variable that each CPU has a copy of is shown with the address of \
      each. Nothing but the guest's memory is needed. Exit status 1 if there is no symbol for one of \
      them.

      EXAMPLES
        varve sym core schedule              where it is
        varve sym core schedule+0x10 init_task
        varve sym core 0xffffffff8110a2c0    what is there
        varve sym core runqueues             of each CPU
      """)

  @Argument(help: "The input: see varve help vmcore.", completion: .file())
  var file: String

  @Argument(
    help: ArgumentHelp("Names, or addresses in hexadecimal.", valueName: "name|address"))
  var queries: [String]

  @OptionGroup var machine: MachineSearchOptions
  @OptionGroup var search: SearchOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    var isComplete = true
    try Session.run(output) { session in
      let report = try MachineSource.withOpened(
        file, options: machine.options(search), progress: session.progress
      ) { try $0.symbols(queries, progress: session.progress) }
      session.warn(report.warnings)
      try session.print(report) { $0.text(output.style) }
      isComplete = !report.lookups.contains(where: \.matches.isEmpty)
    }
    if !isComplete { throw ExitCode.failure }
  }
}
