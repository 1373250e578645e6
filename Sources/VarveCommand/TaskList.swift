public import ArgumentParser
public import Varve

/// `varve ps`
struct TaskListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ps",
    abstract: "List the tasks of the guest's kernel.",
    discussion: """
      Tasks are found by the list of processes and by the table of process numbers; one that only one \
      of them leads to is shown with a remark. ST is the letter that ps shows, with > behind it while \
      a CPU runs the task. TIME is what the scheduler measured. The command line is read through the \
      process's own page tables; where its page isn't in memory, the name stands in brackets.

      EXAMPLES
        varve ps core                        all processes
        varve ps core -T --state D           threads that wait and can't be killed
        varve ps core --tree -u              who started whom
        varve ps vmcore --sort rss --json | jq '.tasks[:5]'
      """)

  @Argument(help: "The input: see varve help vmcore.", completion: .file())
  var file: String

  @Flag(name: [.customShort("T"), .customLong("threads")], help: "Show every thread.")
  var showsThreads = false

  @Flag(name: .customLong("tree"), help: "Show children below their parents.")
  var isTree = false

  @Flag(name: [.customShort("k"), .customLong("kernel")], help: "Show kernel threads only.")
  var kernelOnly = false

  @Flag(name: [.customShort("u"), .customLong("user")], help: "Show no kernel threads.")
  var userOnly = false

  @Option(
    name: .customLong("state"),
    help: ArgumentHelp("Show tasks in these states only: RSDTtXZPI.", valueName: "letters"))
  var states: String?

  @Option(
    name: .customLong("pid"),
    help: ArgumentHelp("Show the process or thread N only; may be repeated.", valueName: "n"))
  var processes: [Int] = []

  @Option(
    name: .customLong("sort"),
    help: ArgumentHelp(
      "Sort by pid, ppid, cpu, state, rss (largest first), time (longest first), start or name.",
      valueName: "key"))
  var order = TaskSelection.Order.pid

  @Flag(
    name: [.customShort("v"), .customLong("verbose")],
    help: "Show the numbers in inner PID namespaces.")
  var isVerbose = false

  @OptionGroup var machine: MachineSearchOptions
  @OptionGroup var search: SearchOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if kernelOnly && userOnly { throw ValidationError("-k and -u exclude each other.") }
    if let letter = states?.first(where: { TaskState(rawValue: $0) == nil }) {
      throw ValidationError("There is no state \(letter).")
    }
  }

  func run() async throws {
    try Session.run(output) { session in
      try MachineSource.withOpened(
        file, options: machine.options(search), progress: session.progress
      ) { source in
        let report = try source.taskList(selection, progress: session.progress)
        session.warn(report.warnings)
        try session.print(report) { $0.text(output.style, textOptions) }
      }
    }
  }

  private var selection: TaskSelection {
    var selection = TaskSelection()
    selection.showsThreads = showsThreads
    selection.kind = kernelOnly ? .kernel : userOnly ? .user : .all
    selection.states = states.map { Set($0.compactMap(TaskState.init)) }
    selection.processes = processes.isEmpty ? nil : Set(processes)
    selection.order = order
    return selection
  }

  private var textOptions: TaskTextOptions {
    var options = TaskTextOptions()
    options.showsThreads = showsThreads
    options.isTree = isTree
    options.showsNamespaces = isVerbose
    options.explains = output.explain
    return options
  }
}

extension TaskSelection.Order: ExpressibleByArgument {}
