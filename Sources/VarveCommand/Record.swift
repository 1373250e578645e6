import ArgumentParser
import Varve

/// `varve record`
struct Record: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "record",
    abstract: "Run QEMU and record all of what the guest does.",
    discussion: """
      Takes an ordinary QEMU command line, changes what a recording needs, says what and why, and \
      runs it in this terminal. Images are never written: what the guest writes goes to overlays in the \
      recording's directory. End it as you would end QEMU: the guest's shutdown, Ctrl-C, SIGTERM.

      EXAMPLES
        varve record -- qemu-system-x86_64 -m 256 -nographic -kernel vmlinuz -initrd initrd.gz
        varve record -o boot -- qemu-system-x86_64 -M q35 -hda disk.qcow2 -nographic
        varve info boot
      """)

  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: ArgumentHelp(
      "The directory to make. Default: recording-DATE-TIME.", valueName: "dir"),
    completion: .directory)
  var directory: String?

  @Flag(
    name: .customLong("dry-run"),
    help: "Only say what would be changed, and print the command line.")
  var isDryRun = false

  @Argument(parsing: .postTerminator, help: "QEMU and its options, after --.")
  var command: [String] = []

  @OptionGroup var output: OutputOptions

  func run() async throws {
    try Session.run(output) { session in
      let setup = try RecordingSetup(command)
      for change in setup.plan.changes { session.note(Self.line(change)) }
      if isDryRun {
        let words = setup.plan.record.flatMap { option in
          ["-\(option.name)"] + (option.value.map { [$0] } ?? [])
        }
        try StandardStream.output.write(
          ([setup.plan.program] + words).map(Self.quoted).joined(separator: " ") + "\n")
        return
      }
      let path = directory ?? RecordingSetup.defaultName()
      let recording = try setup.create(path, progress: session.progress)
      session.note("varve: recording to \(path)")
      try record(recording, path, session)
    }
  }

  private func record(_ recording: Recording, _ path: String, _ session: Session) throws {
    let signals = SignalWatch()
    let terminal = TerminalMode()
    defer { terminal?.restore() }
    let recorder = try Recorder(recording)
    // A console on the same terminal isn't to be written over.
    let isShown = !recording.description.usesTerminal
    let progress = session.progress
    let finished = try recorder.finish(signals) { step in
      guard isShown else { return }
      let time = Double(step.instructions) * Double(1 << recording.description.shift) / 1e9
      progress(
        ProgressStep(
          what:
            "recording: \(step.instructions) instructions, \(Self.tenths(time)) s of guest time, "
            + "log \(step.logSize >> 10) KiB", done: 0, total: nil))
    }
    progress(nil)
    guard let ending = finished.description.ending else { return }
    session.note(
      "varve: \(ending.how); \(path): \(ending.instructions) instructions, \(ending.events) events, "
        + "\(ending.logSize >> 10) KiB of log"
        + (ending.isSalvaged ? "; the log lacked its end and was cut to the last whole event" : ""))
  }

  private static func tenths(_ number: Double) -> String {
    let tenths = Int(number * 10)
    return "\(tenths / 10).\(tenths % 10)"
  }

  private static func line(_ change: RecordingPlan.Change) -> String {
    let what =
      change.given.isEmpty
      ? "added \(change.used)"
      : change.used.isEmpty ? "left out \(change.given)" : "\(change.given) → \(change.used)"
    return "varve: \(TextStyle.visible(what)): \(change.why)"
  }

  /// As a shell takes it.
  private static func quoted(_ word: String) -> String {
    let isPlain = word.allSatisfy { $0.isLetter || $0.isNumber || "-_=,./:+@%{}".contains($0) }
    return isPlain && !word.isEmpty ? word : "'\(word.replacing("'", with: "'\\''"))'"
  }
}
