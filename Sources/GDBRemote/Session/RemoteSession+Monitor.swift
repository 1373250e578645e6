extension RemoteSession {
  /// `qRcmd`: a command of the target's own, as text in hexadecimal digits.
  mutating func monitor(_ reader: inout PacketReader) async throws(RemoteError) -> Reply? {
    guard let monitored = target as? any MonitoredTarget else { return .unknown }
    guard let bytes = hexBytes(reader.rest) else { return nil }
    let words = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
      .map(String.init)
    let commands = monitored.monitorCommands
    guard let first = words.first, first != "help" else {
      return help(commands, about: words.dropFirst().first)
    }
    switch Self.find(first, in: commands) {
    case .failure(let error): return printed("\(error.text)\n")
    case .success(let command):
      return .start(
        .monitor(
          MonitorRequest(
            command: command.name, arguments: Array(words.dropFirst()),
            thread: try await currentThread(), breakpoints: wantedBreakpoints)))
    }
  }

  private struct NoCommand: Error { var text: String }

  /// The command of that name, or the only one that begins so.
  private static func find(
    _ name: String, in commands: [MonitorCommand]
  ) -> Result<MonitorCommand, NoCommand> {
    if let exact = commands.first(where: { $0.name == name }) { return .success(exact) }
    let similar = commands.filter { $0.name.hasPrefix(name) }
    if similar.count == 1 { return .success(similar[0]) }
    guard similar.isEmpty else {
      let names = similar.map(\.name).joined(separator: ", ")
      return .failure(NoCommand(text: "\"\(name)\" could be any of \(names)"))
    }
    return .failure(NoCommand(text: "there is no command \"\(name)\"; \"monitor help\" lists them"))
  }

  private func help(_ commands: [MonitorCommand], about name: String?) -> Reply {
    let shown = commands + [MonitorCommand("help", arguments: "[COMMAND]", summary: "this list")]
    guard let name else { return printed(Self.list(shown)) }
    switch Self.find(name, in: shown) {
    case .failure(let error): return printed("\(error.text)\n")
    case .success(let command):
      let examples = command.examples.map { "  monitor \($0)\n" }.joined()
      return printed(
        Self.list([command]) + (examples.isEmpty ? "" : "for example:\n\(examples)"))
    }
  }

  /// How each is used and what it does. Long usages have a line of their own.
  private static func list(_ commands: [MonitorCommand]) -> String {
    let usages = commands.map { $0.arguments.isEmpty ? $0.name : "\($0.name) \($0.arguments)" }
    let width = usages.lazy.map(\.count).filter { $0 <= usageWidth }.max() ?? 0
    return zip(usages, commands).map { usage, command in
      let isLong = usage.count > usageWidth
      let gap = String(repeating: " ", count: isLong ? width + 2 : width - usage.count + 2)
      return usage + (isLong ? "\n" : "") + gap + command.summary + "\n"
    }.joined()
  }

  /// How long usages may be to share a line with what they do.
  private static var usageWidth: Int { 24 }

  /// Text as the answer itself.
  private func printed(_ text: String) -> Reply { .text(hexText(text)) }
}
