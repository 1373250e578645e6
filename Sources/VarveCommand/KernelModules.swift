import ArgumentParser
import Varve

/// `varve modules`
struct KernelModuleList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "modules",
    abstract: "List the modules that the guest's kernel has loaded.",
    discussion: """
      The columns are lsmod's, and where each module is, its state and its taints (the letters of \
      /proc/modules). Nothing but the guest's memory is needed. With --json also the parts of each \
      module's memory, its build-id, parameters, symbols, types and ORC entries.

      EXAMPLES
        varve modules core
        varve modules vmcore --json | jq -r '.modules[] | "\\(.name) \\(.buildID)"'
      """)

  @Argument(help: "The input: see varve help vmcore.", completion: .file())
  var file: String

  @OptionGroup var machine: MachineSearchOptions
  @OptionGroup var search: SearchOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try Session.run(output) { session in
      let report = try MachineSource.withOpened(
        file, options: machine.options(search), progress: session.progress
      ) { try $0.modules(progress: session.progress) }
      session.warn(report.warnings)
      try session.print(report) { $0.text(output.style) }
    }
  }
}
