import ArgumentParser
import Varve

/// `varve type`
struct TypeLayout: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "type",
    abstract: "Print how a type of the guest's kernel lies in memory.",
    discussion: """
      Structures and unions with offset and size of each member, in bytes (of a bit field, the bit in \
      its integer too), and the holes between them; enumerations with their values; typedefs; the \
      prototypes of functions. The kernel's own BTF tells them: no vmlinux is needed. NAME is \
      task_struct, "struct task_struct", "enum pid_type", u64; of several types called so all are \
      shown.

      EXAMPLES
        varve type core task_struct
        varve type vmcore "union thread_union"
        varve type vmcore schedule_timeout   a function's prototype
        varve type vmcore page --json | jq '.types[0].size'
      """)

  @Argument(help: "The input: see varve help vmcore.", completion: .file())
  var file: String

  @Argument(help: "The type's or function's name.")
  var name: String

  @OptionGroup var machine: MachineSearchOptions
  @OptionGroup var search: SearchOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try Session.run(output) { session in
      let report = try MachineSource.withOpened(
        file, options: machine.options(search), progress: session.progress
      ) { try $0.typeLayout(named: name, progress: session.progress) }
      session.warn(report.warnings)
      try session.print(report) { $0.text(output.style) }
    }
  }
}
