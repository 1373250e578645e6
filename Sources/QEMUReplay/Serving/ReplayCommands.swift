internal import Bytes
public import GDBRemote
internal import TimeTravel

/// The commands of a recording, for `monitor` in debuggers and for the command line.
extension TimelineTarget {
  public var monitorCommands: [MonitorCommand] {
    [
      MonitorCommand(
        "when", summary: "Where we are: instruction, share of the recording, guest time."),
      MonitorCommand(
        "seek", arguments: "MOMENT|PERCENT%|TIMEs|start|end|BOOKMARK",
        summary: "Go there. A moment is a count of instructions, in decimal."),
      MonitorCommand("checkpoint", summary: "Save the machine's state here, for good."),
      MonitorCommand("checkpoints", summary: "List the states that are saved."),
      MonitorCommand("bookmark", arguments: "NAME", summary: "Name this moment."),
      MonitorCommand("bookmarks", summary: "List the bookmarks."),
      MonitorCommand(
        "last-write", arguments: "[phys:]ADDRESS|$REGISTER[,LENGTH]",
        summary: "Which instruction wrote there last. The position stays."),
      MonitorCommand(
        "every", arguments: "[LIMIT]",
        summary: "All moments at which the breakpoints and watchpoints would stop."),
    ]
  }

  public func monitor(
    _ request: MonitorRequest, print: @escaping @Sendable (String) -> Void
  ) async throws(RemoteError) -> String {
    let text = try await answer(request)
    guard request.command == "seek" else { return text }
    // gdb asks for registers again only when it made the target move itself.
    return text
      + "gdb shows the registers from before until you say: maintenance flush register-cache\n"
  }

  /// Does one command and gives its output.
  func answer(_ request: MonitorRequest) async throws(RemoteError) -> String {
    let words = request.arguments
    switch request.command {
    case "when": return await whenText()
    case "seek": return try await seek(words)
    case "checkpoint": return try await saveCheckpoint()
    case "checkpoints": return await checkpointsText()
    case "bookmark": return try await bookmark(words)
    case "bookmarks": return await bookmarksText()
    case "last-write": return try await lastWrite(words)
    case "every": return try await every(words, request.breakpoints)
    default: throw .refused("there is no command \(request.command)")
    }
  }

  // MARK: Where

  private func text(_ moment: Moment) async -> String {
    let recorded = await timeline.recorded
    let length = recorded.lowerBound.distance(to: recorded.upperBound)
    let done = recorded.lowerBound.distance(to: moment)
    let share = length == 0 ? 1 : Double(done) / Double(length)
    let seconds = Double(await timeline.clock.nanoseconds(at: moment)) / 1e9
    return
      "instruction \(moment) (\(Self.decimal(share * 100, digits: 2))%), "
      + "about \(Self.decimal(seconds, digits: 3)) s of guest time"
  }

  private func whenText() async -> String {
    let counter = await timeline.registers.programCounter
    return await text(await timeline.position) + ", at \(counter)\n"
  }

  private static func decimal(_ number: Double, digits: Int) -> String {
    let scale = digits == 2 ? 100.0 : 1000.0
    let whole = (number * scale).rounded()
    guard whole.isFinite, whole >= 0, whole < 9e15 else { return "\(number)" }
    let units = UInt64(whole)
    let rest = String(units % UInt64(scale))
    return "\(units / UInt64(scale))." + String(repeating: "0", count: digits - rest.count) + rest
  }

  // MARK: Moving

  private func seek(_ words: [String]) async throws(RemoteError) -> String {
    guard words.count == 1, let destination = await destination(words[0]) else {
      throw .refused("seek MOMENT|PERCENT%|TIMEs|start|end|BOOKMARK")
    }
    _ = try await interruptibly { () async throws(TimelineError) in
      try await self.timeline.seek(destination)
    }
    return await whenText()
  }

  private func destination(_ word: String) async -> Destination? {
    if word == "start" { return .moment(await timeline.recorded.lowerBound) }
    if word == "end" { return .moment(await timeline.recorded.upperBound) }
    if let count = UInt64(word) { return .moment(Moment(count)) }
    if word.hasSuffix("%"), let share = Double(word.dropLast()), share.isFinite {
      return .percent(share)
    }
    if word.hasSuffix("s"), let seconds = Double(word.dropLast()), seconds >= 0, seconds < 9e9 {
      return .guestTime(nanoseconds: UInt64(seconds * 1e9))
    }
    return .bookmark(word)
  }

  // MARK: Checkpoints and bookmarks

  private func saveCheckpoint() async throws(RemoteError) -> String {
    let checkpoint = try await interruptibly { () async throws(TimelineError) in
      try await self.timeline.saveCheckpoint()
    }
    return "saved \(checkpoint.name) at " + (await text(checkpoint.moment)) + "\n"
  }

  private func checkpointsText() async -> String {
    var lines = ""
    for checkpoint in await timeline.checkpoints {
      lines +=
        "\(checkpoint.name): \(await text(checkpoint.moment)), \(checkpoint.bytes >> 10) KiB"
        + (checkpoint.isPinned ? ", kept\n" : "\n")
    }
    return lines.isEmpty ? "no checkpoints yet\n" : lines
  }

  private func bookmark(_ words: [String]) async throws(RemoteError) -> String {
    guard words.count == 1 else { throw .refused("bookmark NAME") }
    try await interruptibly { () async throws(TimelineError) in
      try await self.timeline.setBookmark(words[0])
    }
    return "\(words[0]): \(await whenText())"
  }

  private func bookmarksText() async -> String {
    var lines = ""
    for bookmark in await timeline.bookmarks {
      lines += "\(bookmark.name): \(await text(bookmark.moment))\n"
    }
    return lines.isEmpty ? "no bookmarks yet\n" : lines
  }

  // MARK: Queries

  private func lastWrite(_ words: [String]) async throws(RemoteError) -> String {
    guard let range = await range(words.joined(separator: ",")) else {
      throw .refused("last-write [phys:]ADDRESS|$REGISTER[,LENGTH]")
    }
    let found = try await interruptibly { () async throws(TimelineError) in
      try await self.timeline.lastWrite(to: range)
    }
    guard let found else { return "nothing wrote to \(range) since the recording began\n" }
    return "written at \(await text(found.moment)), by the instruction at "
      + "\(found.programCounter): \(Self.digits(found.before)) → \(Self.digits(found.after))\n"
  }

  /// `ADDRESS[,LENGTH]`, the address in hexadecimal with or without 0x, or a register that holds it;
  /// `phys:` before a physical one.
  private func range(_ text: String) async -> MemoryRange? {
    let isPhysical = text.hasPrefix("phys:")
    let parts = (isPhysical ? text.dropFirst(5) : text[...]).split(separator: ",")
    guard let first = parts.first, parts.count <= 2 else { return nil }
    let digits = first.hasPrefix("0x") ? first.dropFirst(2) : first
    let values = RegisterValues(description, packet: await timeline.registers.bytes)
    let value = first.hasPrefix("$") ? values[String(first.dropFirst())] : UInt64(digits, radix: 16)
    guard let address = value else { return nil }
    guard let count = parts.count == 2 ? UInt64(parts[1]) : 8, count > 0, count <= 4096 else {
      return nil
    }
    return MemoryRange(
      isPhysical ? .physical(PhysicalAddress(address)) : .virtual(VirtualAddress(address)),
      count: count)
  }

  private static func digits(_ bytes: [UInt8]?) -> String {
    guard let bytes else { return "unreadable" }
    return bytes.prefix(32).map { paddedHex($0, digits: 2) }.joined(separator: " ")
  }

  private func every(
    _ words: [String], _ breakpoints: [Breakpoint]
  ) async throws(RemoteError) -> String {
    guard let limit = words.isEmpty ? 1000 : Int(words[0]), limit > 0 else {
      throw .refused("every [LIMIT]")
    }
    guard !breakpoints.isEmpty else { throw .refused("no breakpoint or watchpoint is set") }
    await arm(breakpoints)
    let (found, isComplete) = try await interruptibly { () async throws(TimelineError) in
      try await self.timeline.occurrences(limit: limit)
    }
    var lines = ""
    for occurrence in found {
      lines += "\(await text(occurrence.moment)), at \(occurrence.programCounter)\n"
    }
    return lines + "\(found.count) in all" + (isComplete ? "\n" : ", and more\n")
  }
}
