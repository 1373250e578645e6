import ArgumentParser
import Varve

/// `varve dmesg`
struct Dmesg: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dmesg",
    abstract: "Print the log of the guest's kernel.",
    discussion: """
      Reads the log as it lies in the guest's memory, without debug information. Options mean what \
      they mean to dmesg(1). Records that are damaged, or were being written, are told on standard \
      error; all others are printed.

      Times of day come from the guest's clock and are UTC. As with dmesg(1) they are wrong for \
      messages from before the last suspension.

      EXAMPLES
        varve dmesg core                     the whole log
        varve dmesg core -l err,crit,alert,emerg
                                             errors only
        varve dmesg core -T -x               times of day, facility and level
        varve dmesg core --since 10 --until 20.5
                                             by seconds since the machine started
        varve dmesg vmcore --json | jq -r '.records[] | select(.subsystem == "pci") | .text'
      """)

  @Argument(help: "The input: see varve help vmcore.", completion: .file())
  var file: String

  @Flag(name: [.customShort("x"), .customLong("decode")], help: "Show facility and level.")
  var decodes = false

  @Flag(name: [.customShort("T"), .customLong("ctime")], help: "Show times of day, UTC.")
  var showsCalendar = false

  @Flag(name: [.customShort("t"), .customLong("notime")], help: "Show no times.")
  var hidesTimes = false

  @Flag(
    name: [.customShort("r"), .customLong("raw")],
    help: "Print each record as the kernel does: <6>[    1.234567] text.")
  var isRaw = false

  @Flag(
    name: [.customShort("p"), .customLong("force-prefix")],
    help: "Repeat what is in front of a record on each of its lines.")
  var repeatsPrefix = false

  @Flag(name: .customLong("caller"), help: "Show which thread or CPU logged.")
  var showsCallers = false

  @Option(
    name: [.customShort("l"), .customLong("level")],
    help: ArgumentHelp(
      "Only these levels: emerg, alert, crit, err, warn, notice, info, debug.",
      discussion:
        "Separated by commas; err+ means err and what is more urgent, +err err and what is less.",
      valueName: "list"))
  var levels: LevelList?

  @Option(help: ArgumentHelp("Nothing logged before this second.", valueName: "seconds"))
  var since: LogSeconds?

  @Option(help: ArgumentHelp("Nothing logged after this second.", valueName: "seconds"))
  var until: LogSeconds?

  @OptionGroup var machine: MachineSearchOptions
  @OptionGroup var search: SearchOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try Session.run(output) { session in
      let filter = LogFilter(
        levels: levels?.levels, since: since?.nanoseconds, until: until?.nanoseconds)
      let report = try MachineSource.withOpened(
        file, options: machine.options(search), progress: session.progress
      ) { try $0.kernelLog(filter: filter, progress: session.progress) }
      session.warn(report.warnings)
      try session.print(report) { $0.text(output.style, options) }
    }
  }

  private var options: LogTextOptions {
    var options = LogTextOptions()
    options.times = hidesTimes ? .none : showsCalendar ? .calendar : .seconds
    options.decodes = decodes
    options.isRaw = isRaw
    options.repeatsPrefix = repeatsPrefix
    options.showsCallers = showsCallers
    return options
  }
}

/// `err,warn`, `err+`: err and more urgent ones, `+err`: err and less urgent ones.
struct LevelList: ExpressibleByArgument {
  let levels: Set<UInt8>

  init?(argument: String) {
    var levels: Set<UInt8> = []
    for name in argument.split(separator: ",", omittingEmptySubsequences: false) {
      let bare = name.drop { $0 == "+" }.prefix { $0 != "+" }
      guard let level = LogLevel(named: String(bare))?.rawValue else { return nil }
      switch name {
      case bare: levels.insert(level)
      case bare + "+": levels.formUnion(0...level)
      case "+" + bare: levels.formUnion(level...7)
      default: return nil
      }
    }
    self.levels = levels
  }
}

/// Seconds since the machine started, with decimals.
struct LogSeconds: ExpressibleByArgument {
  let nanoseconds: UInt64

  init?(argument: String) {
    guard let seconds = Double(argument), seconds >= 0, seconds < 1e9 else { return nil }
    nanoseconds = UInt64(seconds * 1e9)
  }
}
