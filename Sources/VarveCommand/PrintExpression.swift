import ArgumentParser
import Varve

/// `varve print`
struct PrintExpression: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "print",
    abstract: "Print data of the guest's kernel, named by a C expression.",
    discussion: """
      Members (. and ->), elements, pointers, casts, sizeof, arithmetic, comparisons and these macros: \
      container_of(POINTER, TYPE, MEMBER), offsetof(TYPE, MEMBER), per_cpu(VARIABLE, CPU), \
      per_cpu_ptr(POINTER, CPU). Types are the kernel's own (BTF), which doesn't tell those of most \
      variables: where Varve doesn't know one either, say it as *(struct x *)&name. Values look as \
      gdb prints them, a char array up to its first NUL. Nothing is called, and nothing changed. An \
      expression that begins with - goes behind --.

      EXAMPLES
        varve print core init_task.comm
        varve print core 'container_of(init_task.tasks.next, struct task_struct, tasks)->pid'
        varve print core '((struct task_struct *)0xffff888003d00000)->mm->pgd'
        varve print core 'per_cpu(runqueues, 1).nr_running'
        varve print core '*(struct list_head *)&super_blocks'
        varve print core 'sizeof(struct page)' --json | jq .number
      """)

  @Argument(help: "The input: see varve help vmcore.", completion: .file())
  var file: String

  @Argument(help: "What to print.")
  var expression: String

  @Flag(name: .customLong("one-line"), help: "Print structures on one line.")
  var isOneLine = false

  @Option(
    name: .customLong("elements"),
    help: ArgumentHelp(
      "Show at most N elements of an array and characters of a string; 0 for all.", valueName: "n"))
  var elements = 200

  @OptionGroup var machine: MachineSearchOptions
  @OptionGroup var search: SearchOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if elements < 0 { throw ValidationError("--elements must not be negative.") }
  }

  func run() async throws {
    try Session.run(output) { session in
      var format = FormatOptions()
      format.isPretty = !isOneLine
      format.stopsAtNull = true
      format.elementLimit = elements == 0 ? nil : elements
      let options = machine.options(search)
      let report = try MachineSource.withOpened(
        file, options: options, progress: session.progress
      ) { try $0.printed(expression, options: format, progress: session.progress) }
      session.warn(report.warnings)
      try session.print(report) { $0.text(output.style) }
    }
  }
}
