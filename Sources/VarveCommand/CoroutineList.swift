import ArgumentParser
import Varve

/// `varve coroutines`
struct CoroutineList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "coroutines",
    abstract: "List every coroutine of a QEMU process.",
    discussion: """
      Coroutines are found by the shape of their structures, which needs no symbols, and checked \
      against QEMU's own variables where debug information exists. Each is shown with its state, \
      what it runs, its event loop, the locks it holds and how deep its stack was ever used. What \
      contradicts itself is said.

      EXAMPLES
        varve coroutines core                all of them, live ones first
        varve coroutines core --waits        and who waits for whom, with any deadlock
        varve coroutines core --explain      with the evidence for each
        varve bt core --coroutine 0x55d0c2b8a3f0
                                             one's backtrace
      """)

  @Argument(help: "The core dump.", completion: .file())
  var file: String

  @Flag(name: .customLong("waits"), help: "Show who waits for whom, and name any cycle.")
  var withWaits = false

  @OptionGroup var search: SearchOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try Session.run(output) { session in
      let dump = try session.open(file, search)
      let report = dump.coroutines(withWaits: withWaits)
      session.warn(report.warnings)
      try session.print(report) { $0.text(output.style, explain: output.explain) }
    }
  }
}
