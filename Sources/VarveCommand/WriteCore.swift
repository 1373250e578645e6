import ArgumentParser
import Varve

/// `varve core`
struct WriteCore: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "core",
    abstract: "Write a core in which every coroutine is a thread.",
    discussion: """
      The copy has all threads of the input and one more for each live coroutine, so that plain gdb \
      and lldb show coroutine stacks with `thread apply all bt`. The input is never written. Blocks \
      are shared with it where the file system can; holes stay holes. The output is readable by its \
      owner only, and appears complete or not at all.

      A core file can't say that a register is unknown. A coroutine's jump buffer holds only the \
      callee-saved registers; the others stand as 0 in the copy, and a debugger will believe them. \
      `varve bt --coroutine` tells the difference.

      EXAMPLES
        varve core core --coroutines-as-threads -o out.core
        gdb qemu-system-x86_64 out.core -ex 'thread apply all bt'
      """)

  @Argument(help: "The core dump.", completion: .file())
  var file: String

  @Flag(name: .customLong("coroutines-as-threads"), help: "Add each live coroutine as a thread.")
  var coroutinesAsThreads = false

  @Flag(name: .customLong("all"), help: "Add coroutines that are only kept for reuse too.")
  var includesIdle = false

  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: ArgumentHelp("The file to write.", valueName: "out"), completion: .file())
  var outputFile: String

  @Flag(name: .customLong("force"), help: "Replace an existing file.")
  var isForced = false

  @OptionGroup var search: SearchOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if !coroutinesAsThreads {
      throw ValidationError("Say what to add: --coroutines-as-threads.")
    }
  }

  func run() async throws {
    try Session.run(output) { session in
      let dump = try CoreDump(opening: file, places: search.places, progress: session.progress)
      let report = try dump.writeCore(
        to: outputFile, includingIdle: includesIdle, replacing: isForced,
        progress: session.progress)
      session.warn(report.warnings)
      try session.print(report) { $0.text(output.style) }
    }
  }
}
