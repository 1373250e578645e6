internal import FoundationEssentials
public import HostSystem

/// Lays out a recording's directory: overlays, description, everything but the log.
public struct RecordingSetup {
  /// What is going to be done, and what of the user's command line is done differently.
  public let plan: RecordingPlan
  let given: [String]
  let program: String

  /// Works out how the command line `words` is recorded. Nothing is written. Throws `.refused` for what
  /// can't be recorded, `.commandLine` if there is no such program.
  public init(_ words: [String]) throws(ReplayError) {
    let arguments = try QEMUArguments(words)
    guard let program = FileNames.program(arguments.program) else {
      throw .commandLine("\(arguments.program): there is no such program")
    }
    self.program = try system { () throws(HostError) in try FileNames.absolute(program) }
    given = words
    let now = Date.now
    plan = try RecordingPlanner.plan(
      arguments,
      now: (utc: Self.clock(now, TimeZone(secondsFromGMT: 0)), local: Self.clock(now, .current)))
  }

  /// `2026-01-31T12:00:00`.
  private static func clock(_ date: Date, _ zone: TimeZone?) -> String {
    let style = Date.ISO8601FormatStyle(timeZone: zone ?? .current).year().month().day()
      .time(includingFractionalSeconds: false)
    return date.formatted(style)
  }

  /// The name that a recording gets by itself: `recording-20260131-120000`.
  public static func defaultName() -> String {
    let time = clock(.now, .current)
    let digits = time.filter { $0.isNumber }
    return "recording-\(digits.prefix(8))-\(digits.dropFirst(8))"
  }

  /// Makes the directory `path`, which must not be there yet, the overlays in it and the description.
  public func create(
    _ path: String, progress: ProgressHandler = .silent
  ) throws(ReplayError) -> Recording {
    let workingDirectory = try system { () throws(HostError) in
      try FileNames.currentDirectory()
    }
    let inputs = try readInputs(progress)
    try checkRelease(scratch: path + ".version")
    let engine = try InputFacts.engine(program, version: "")
    let directory = try system { () throws(HostError) in
      try FileNames.makeDirectory(path)
      return try FileNames.absolute(path)
    }
    var plan = plan
    try makeOverlays(&plan, directory)
    let recording = Recording(
      directory: directory,
      description: RecordingDescription(
        began: Date.now.formatted(.iso8601), engine: engine, workingDirectory: workingDirectory,
        given: given, recorded: words(plan.record), replayed: words(plan.replay),
        changes: plan.changes, disks: plan.disks, inputs: inputs, shift: plan.shift,
        keepsConsole: plan.keepsConsole))
    try recording.save()
    return recording
  }

  /// Throws `.refused` if the program is a QEMU whose replays don't work. The file `scratch` is made and
  /// removed.
  private func checkRelease(scratch: String) throws(ReplayError) {
    // QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)
    let text = try ToolRun.output(program, ["--version"], scratch: scratch)
    let version = text.split(separator: " ").first { $0.first?.isNumber ?? false }
    guard let version, let release = QEMURelease(String(version)) else {
      throw .program(program, reason: "tells no version", output: ToolRun.lastLine(text))
    }
    if let why = RecordingRule.refusal(of: release, program) {
      throw .refused(option: "\(program), version \(version)", reason: why)
    }
  }

  private func words(_ options: [QEMUArguments.Option]) -> [String] {
    [program] + options.flatMap { ["-\($0.name)"] + ($0.value.map { [$0] } ?? []) }
  }

  private func readInputs(
    _ progress: ProgressHandler
  ) throws(ReplayError) -> [RecordingDescription.Input] {
    var inputs: [RecordingDescription.Input] = []
    var seen: Set<String> = []
    for input in plan.inputs {
      let path: String
      do throws(HostError) {
        path = try FileNames.absolute(input.path)
      } catch {
        // QEMU looks for firmware in its own directories as well.
        guard error.isAbsence, input.option == "bios" || input.option == "option-rom" else {
          throw .host(error)
        }
        continue
      }
      guard seen.insert(path).inserted else { continue }
      inputs.append(try InputFacts.input(input.option, path, progress: progress))
    }
    return inputs
  }

  // MARK: Images

  private func makeOverlays(
    _ plan: inout RecordingPlan, _ directory: String
  ) throws(ReplayError) {
    let tool = try imageTool()
    let scratch = directory + "/qemu-img.log"
    // Snapshots lie beyond the disk's own size, which isn't used.
    _ = try ToolRun.output(
      tool, ["create", "-f", "qcow2", directory + "/" + RecordingPlan.snapshotImageName, "1M"],
      scratch: scratch)
    plan.disks = try plan.disks.map { disk throws(ReplayError) in
      let image = try system { () throws(HostError) in try FileNames.absolute(disk.image) }
      let format: String
      if let named = disk.format {
        format = named
      } else {
        format = try probe(image, tool, scratch)
      }
      try check(plan.backings[disk.image], behind: image, tool, scratch)
      _ = try ToolRun.output(
        tool,
        ["create", "-f", "qcow2", "-F", format, "-b", image, directory + "/" + disk.overlay],
        scratch: scratch)
      return RecordingPlan.Disk(overlay: disk.overlay, image: image, format: format)
    }
  }

  private func facts(
    _ image: String, _ tool: String, _ scratch: String
  ) throws(ReplayError) -> String {
    try ToolRun.output(tool, ["info", "--output=json", "--force-share", image], scratch: scratch)
  }

  /// Throws `.refused` if the command line says `backing` of what is behind `image`, and the image says
  /// something else.
  private func check(
    _ backing: String?, behind image: String, _ tool: String, _ scratch: String
  ) throws(ReplayError) {
    guard let backing else { return }
    let text = try facts(image, tool, scratch)
    let told = try JSONText.member("full-backing-filename", of: text) ?? ""
    let isSame = try system { () throws(HostError) in
      if backing.isEmpty || told.isEmpty { return backing.isEmpty && told.isEmpty }
      return try FileNames.absolute(backing) == FileNames.absolute(told)
    }
    guard isSame else {
      throw .refused(
        option: "-blockdev \(image)",
        reason:
          "backing= puts \(backing.isEmpty ? "nothing" : backing) behind the image, which itself "
          + "names \(told.isEmpty ? "nothing" : told)")
    }
  }

  /// The format that QEMU takes an image for.
  private func probe(
    _ image: String, _ tool: String, _ scratch: String
  ) throws(ReplayError) -> String {
    let text = try facts(image, tool, scratch)
    guard let format = try JSONText.member("format", of: text) else {
      throw .program("qemu-img", reason: "told no format of \(image)", output: "")
    }
    return format
  }

  /// qemu-img beside the program, else in PATH.
  private func imageTool() throws(ReplayError) -> String {
    let beside = program.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/qemu-img"
    guard let tool = FileNames.program(beside) ?? FileNames.program("qemu-img") else {
      throw .commandLine(
        "qemu-img is needed to make overlays and isn't there (Debian: qemu-utils)")
    }
    return tool
  }
}
