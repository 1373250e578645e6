public import GDBRemote
internal import TimeTravel

/// The commands of a recording, for `monitor` in debuggers and for the command line.
extension TimelineTarget {
  public var monitorCommands: [MonitorCommand] { ReplayCommands.all }

  public func monitor(
    _ request: MonitorRequest, print: @escaping @Sendable (String) -> Void
  ) async throws(RemoteError) -> String {
    let text = try await tellingProgress(print, lineEnd: "\n") { () async throws(RemoteError) in
      try await self.answer(request)
    }
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
    case "checkpoint": return try await checkpoint(words)
    case "checkpoints": return await checkpointsText()
    case "bookmark": return try await bookmark(words)
    case "bookmarks": return await bookmarksText()
    case "last-write": return try await lastWrite(words)
    case "every": return try await every(words, request.breakpoints)
    case "timeline": return try await timelineText(words)
    default: throw .refused("there is no command \(request.command)")
    }
  }

  /// Refuses with how the command is to be used.
  func usage(_ name: String) -> RemoteError {
    let command = ReplayCommands.all.first { $0.name == name }
    return .refused("usage: \(name) \(command?.arguments ?? "")")
  }

  // MARK: Where

  func text(_ moment: Moment) async -> String {
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
      throw usage("seek")
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

  private func checkpoint(_ words: [String]) async throws(RemoteError) -> String {
    if words.isEmpty {
      let checkpoint = try await interruptibly { () async throws(TimelineError) in
        try await self.timeline.saveCheckpoint()
      }
      return "saved \(checkpoint.name) at " + (await text(checkpoint.moment)) + "\n"
    }
    guard words.count == 2, words[0] == "delete" else { throw usage("checkpoint") }
    // Its name, or the moment that it is at.
    let known = await timeline.checkpoints.first {
      $0.name.text == words[1] || "\($0.moment)" == words[1]
    }
    guard let known else {
      throw .refused("there is no checkpoint \(words[1]); checkpoints lists them")
    }
    try await interruptibly { () async throws(TimelineError) in
      try await self.timeline.deleteCheckpoint(known.name)
    }
    return "deleted \(known.name)\n"
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
    if words.count == 2, words[0] == "delete" {
      try await interruptibly { () async throws(TimelineError) in
        try await self.timeline.deleteBookmark(words[1])
      }
      return "deleted \(words[1])\n"
    }
    // Who forgets the name doesn't want a bookmark that is called so.
    guard words.count == 1, words[0] != "delete" else { throw usage("bookmark") }
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
}
