public import ArgumentParser
public import Varve

/// `varve bt`
struct Backtraces: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bt",
    abstract: "Print backtraces of threads and coroutines.",
    discussion: """
      Frames are printed as gdb prints them, with inlined functions and arguments where debug \
      information exists. A frame that rests on a guess says so, and a backtrace that ends early \
      says why. Without a selector the thread that got the signal is shown.

      EXAMPLES
        varve bt core                        the thread that crashed
        varve bt core -a                     every thread
        varve bt core --thread 3 --locals    gdb's thread 3, with local variables
        varve bt core --coroutine 0x55d0c2b8a3f0
                                             one coroutine
        varve bt core -a --coroutines --raw  everything, by symbols only
      """)

  @Argument(help: "The core dump.", completion: .file())
  var file: String

  @Option(
    name: [.customLong("thread"), .customShort("t")],
    help: ArgumentHelp(
      "The thread with gdb's number N, or with the thread id (LWP) N.", valueName: "n"))
  var thread: Int?

  @Option(
    name: .customLong("coroutine"),
    help: ArgumentHelp("The coroutine at ADDR.", valueName: "addr"))
  var coroutine: AddressArgument?

  @Flag(name: [.customShort("a"), .customLong("all")], help: "Every thread.")
  var isAll = false

  @Flag(
    name: .customLong("coroutines"), help: "Every coroutine that isn't idle, after the threads.")
  var withCoroutines = false

  @Flag(name: .customLong("raw"), help: "Addresses and symbols only: read no debug information.")
  var isRaw = false

  @Flag(name: .customLong("locals"), help: "Print local variables below each frame.")
  var withLocals = false

  @Option(
    name: .customLong("frame-arguments"),
    help: ArgumentHelp(
      "Which arguments have their values printed: all, scalars, presence or none.",
      valueName: "which"))
  var frameArguments = FrameArgumentsMode.scalars

  @Option(
    name: [.customShort("n"), .customLong("limit")],
    help: ArgumentHelp("Print at most N frames of each stack.", valueName: "n"))
  var limit = Process.defaultFrameLimit

  @OptionGroup var search: SearchOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if thread != nil && coroutine != nil {
      throw ValidationError("--thread and --coroutine exclude each other.")
    }
    if isAll && (thread != nil || coroutine != nil) {
      throw ValidationError("-a shows every thread; it goes with neither --thread nor --coroutine.")
    }
    if limit < 1 { throw ValidationError("--limit must be at least 1.") }
  }

  func run() async throws {
    try Session.run(output) { session in
      let dump = try session.open(file, search)
      let options = StackOptions(
        isRaw: isRaw, withLocals: withLocals, frameArguments: frameArguments, frameLimit: limit)
      let report = try dump.backtraces(selection, options: options)
      session.warn(report.warnings)
      try session.print(report) { $0.text(output.style, raw: isRaw, explain: output.explain) }
    }
  }

  private var selection: StackSelection {
    if let coroutine { return .coroutine(coroutine.address) }
    if let thread { return .thread(thread) }
    return isAll ? .all(coroutines: withCoroutines) : .first(coroutines: withCoroutines)
  }
}

extension FrameArgumentsMode: ExpressibleByArgument {}
