public import ArgumentParser
public import Varve

/// `varve bt`
struct Backtraces: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bt",
    abstract: "Print backtraces of threads, coroutines, and of a guest's kernel.",
    discussion: """
      Frames are printed as gdb prints them, with inlined functions and arguments where debug \
      information exists. A frame that rests on a guess says so, and a backtrace that ends early \
      says why. Without a selector the thread that got the signal is shown.

      With --guest, the kernel's stacks of a Linux guest's tasks: of those that its CPUs run, of one, \
      or of all. They are unwound by the ORC tables in the guest's own memory; the vmlinux of that \
      very kernel (--symbols, .build-id trees, debuginfod) adds lines, inlined functions and arguments.

      EXAMPLES
        varve bt core                        the thread that crashed
        varve bt core -a                     every thread
        varve bt core --thread 3 --locals    gdb's thread 3, with local variables
        varve bt core --coroutine 0x55d0c2b8a3f0
                                             one coroutine
        varve bt core -a --coroutines --raw  everything, by symbols only
        varve bt vmcore --guest              what the guest's CPUs run
        varve bt core --guest --pid 412      task 412 of the guest in a core of QEMU
        varve bt vmcore --guest -a --group   every task, equal stacks once
      """)

  @Argument(
    help: "The core dump; with --guest any input that varve help vmcore lists.", completion: .file()
  )
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

  @Flag(
    name: [.customShort("a"), .customLong("all")], help: "Every thread, or with --guest every task."
  )
  var isAll = false

  @Flag(
    name: .customLong("coroutines"), help: "Every coroutine that isn't idle, after the threads.")
  var withCoroutines = false

  @Flag(name: .customLong("guest"), help: "Tasks of the Linux guest, in its kernel.")
  var isGuest = false

  @Option(
    name: .customLong("pid"),
    help: ArgumentHelp("With --guest: task N; 0 for the idle tasks.", valueName: "n"))
  var pid: Int?

  @Option(
    name: .customLong("cpu"),
    help: ArgumentHelp("With --guest: what CPU N runs.", valueName: "n"))
  var cpu: Int?

  @Flag(
    name: .customLong("group"),
    help: "With --guest: equal stacks once, with the numbers of their tasks.")
  var isGrouped = false

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

  @OptionGroup var machine: MachineSearchOptions
  @OptionGroup var search: SearchOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if thread != nil && coroutine != nil {
      throw ValidationError("--thread and --coroutine exclude each other.")
    }
    if isAll && (thread != nil || coroutine != nil) {
      throw ValidationError("-a shows every thread; it goes with neither --thread nor --coroutine.")
    }
    if isGuest {
      if thread != nil || coroutine != nil || withCoroutines {
        throw ValidationError("--guest shows tasks: choose with --pid, --cpu or -a.")
      }
      if [pid != nil, cpu != nil, isAll].filter({ $0 }).count > 1 {
        throw ValidationError("--pid, --cpu and -a exclude each other.")
      }
    } else if pid != nil || cpu != nil || isGrouped || machine.isGiven {
      throw ValidationError("--pid, --cpu, --group, --ram, --ram-file and --qmp go with --guest.")
    }
    if limit < 1 { throw ValidationError("--limit must be at least 1.") }
  }

  func run() async throws {
    try Session.run(output) { session in
      if isGuest { return try printGuest(session) }
      let dump = try session.open(file, search)
      let report = try dump.backtraces(selection, options: options)
      session.warn(report.warnings)
      try session.print(report) { $0.text(output.style, raw: isRaw, explain: output.explain) }
    }
  }

  private var options: StackOptions {
    StackOptions(
      isRaw: isRaw, withLocals: withLocals, frameArguments: frameArguments, frameLimit: limit)
  }

  private func printGuest(_ session: Session) throws {
    let report = try MachineSource.withOpened(
      file, options: machine.options(search), progress: session.progress
    ) { source in
      try source.guestStacks(
        guestSelection, isGrouped: isGrouped, options: options, places: search.places,
        progress: session.progress)
    }
    session.warn(report.warnings)
    try session.print(report) { $0.text(output.style, raw: isRaw, explain: output.explain) }
  }

  private var guestSelection: GuestStackSelection {
    if let pid { return .pid(pid) }
    if let cpu { return .cpu(cpu) }
    return isAll ? .all : .cpus
  }

  private var selection: StackSelection {
    if let coroutine { return .coroutine(coroutine.address) }
    if let thread { return .thread(thread) }
    return isAll ? .all(coroutines: withCoroutines) : .first(coroutines: withCoroutines)
  }
}

extension FrameArgumentsMode: ExpressibleByArgument {}
