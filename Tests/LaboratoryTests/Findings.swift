import Varve

/// Opens each dump once and remembers how Varve's answers differ from those of other tools.
actor Findings {
  static let all = Findings()
  private var tasks: [String: Task<[Difference], any Error>] = [:]

  func differences(in subject: Laboratory.Subject) async throws -> [Difference] {
    let task =
      tasks[subject.name] ?? Task.detached { try Comparison(of: subject).differences }
    tasks[subject.name] = task
    return try await task.value
  }
}

/// One dump, compared.
private struct Comparison {
  let subject: Laboratory.Subject
  private(set) var differences: [Difference] = []

  init(of subject: Laboratory.Subject) throws {
    self.subject = subject
    guard let core = subject.core else { return }
    let dump = try CoreDump(opening: core, places: subject.places)
    if let truth = try subject.answer("gdb_bt_full") {
      try compare(truth, with: dump, StackOptions(withLocals: true))
    }
    if let truth = try subject.answer("gdb_bt_all_arguments") {
      try compare(truth, with: dump, StackOptions(frameArguments: .all))
    }
    // eu-stack can't be told a root: it reads this machine's libraries instead.
    if subject.sysroot == nil, let truth = try subject.answer("eu_stack") {
      try compareProgramCounters(ElfutilsStacks(truth), with: dump)
    }
  }

  private mutating func compare(
    _ truth: String, with dump: CoreDump, _ options: StackOptions
  ) throws {
    // gdb names a library by the file that it found below the root.
    let theirs = PrintedStacks(subject.sysroot.map { truth.replacing($0, with: "") } ?? truth)
    let report = try dump.backtraces(.all(coroutines: false), options: options)
    let ours = PrintedStacks(report.text(.plain))
    for line in theirs.strange { addThread(0, "strange line: \(line)", nil) }
    for line in ours.strange { addThread(0, nil, "strange line: \(line)") }
    for thread in Set(theirs.threads.keys).union(ours.threads.keys).sorted() {
      guard let their = theirs.threads[thread], let our = ours.threads[thread] else {
        addThread(
          thread, theirs.threads[thread].map { "\($0.count) frames" },
          ours.threads[thread].map { "\($0.count) frames" })
        continue
      }
      var comparison = StackComparison(core: subject.name, thread: thread)
      comparison.onlyWholeArguments = !options.withLocals
      comparison.comparesLocals = !theirs.areFiltered
      comparison.compare(their, our)
      differences += comparison.differences
    }
  }

  /// One difference for each thread whose frames aren't at the same places.
  private mutating func compareProgramCounters(
    _ theirs: ElfutilsStacks, with dump: CoreDump
  ) throws {
    let report = try dump.backtraces(
      .all(coroutines: false), options: StackOptions(isRaw: true))
    for thread in report.threads {
      let ours = thread.stack.frames.compactMap { UInt64($0.pc.dropFirst(2), radix: 16) }
      guard let their = theirs.threads[Int(thread.lwp)] else {
        addThread(Int(thread.lwp), nil, "\(ours.count) frames")
        continue
      }
      if their == ours { continue }
      let common = zip(their, ours).prefix { $0 == $1 }.count
      let last = common > 0 ? thread.stack.frames[common - 1] : thread.stack.frames.first
      differences.append(
        Difference(
          core: subject.name, thread: Int(thread.lwp), level: common, kind: .programCounters,
          function: last?.function ?? "??",
          theirs: their.dropFirst(common).first.map(hex),
          ours: ours.dropFirst(common).first.map(hex)
        ))
    }
  }

  private mutating func addThread(_ thread: Int, _ theirs: String?, _ ours: String?) {
    differences.append(
      Difference(
        core: subject.name, thread: thread, level: 0, kind: .thread, function: "", theirs: theirs,
        ours: ours))
  }
}
