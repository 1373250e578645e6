import ArgumentParser
import Varve

/// `varve regs`
struct Registers: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "regs",
    abstract: "Print the registers of the guest's CPUs.",
    discussion: """
      A register that the input doesn't tell is <unavailable>, never zero. Registers that QEMU had \
      not fetched from KVM are labelled stale, those of a machine that ran while it was read, torn.

      EXAMPLES
        varve regs core                      all CPUs
        varve regs core --cpu 1              one of them
        varve regs vmcore --json | jq '.cpus[].registers.cr3'
      """)

  @Argument(help: "The input: see varve help vmcore.", completion: .file())
  var file: String

  @Option(name: .customLong("cpu"), help: ArgumentHelp("CPU N only.", valueName: "n"))
  var cpu: Int?

  @OptionGroup var machine: MachineSearchOptions
  @OptionGroup var search: SearchOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try Session.run(output) { session in
      let report = try MachineSource.withOpened(
        file, options: machine.options(search), progress: session.progress
      ) { try $0.registers(ofCPU: cpu) }
      session.warn(report.warnings)
      try session.print(report) { $0.text(output.style, explain: output.explain) }
    }
  }
}
