import ArgumentParser
import Varve

/// `varve replay`
struct Replay: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Serve a recording to gdb or lldb, forwards and backwards.",
    discussion: """
      Starts QEMU on the recording and waits for a debugger, at the recording's beginning. In gdb: \
      stepi, continue, reverse-stepi, reverse-continue, breakpoints, watchpoints, and monitor help for \
      the commands that only recordings have. With -e it does such commands and ends.

      COMMANDS, in gdb after the word monitor, or with -e
        when                        instruction, share of the recording, guest time
        seek MOMENT|50%|12.5s|start|end|BOOKMARK
        checkpoint [delete NAME]    save the machine's state, or forget a saved one
        checkpoints
        bookmark NAME | delete NAME
        bookmarks
        last-write [phys:]ADDRESS|$REGISTER[,LENGTH]
                                    which instruction wrote there last
        every [break:ADDRESS|write:RANGE|read:RANGE|access:RANGE…] [LIMIT]
                                    all moments at which these would stop
        timeline [svg FILE]         a picture of all that

      Addresses are hexadecimal; lengths, moments and limits decimal. A RANGE is written as for \
      last-write.

      EXAMPLES
        varve replay boot
        gdb vmlinux -ex 'target remote boot/gdb'
        varve replay boot --listen 127.0.0.1:1234
        varve replay boot -e 'seek 50%' -e 'last-write 0xffffffff82a1c0c8,8'
        varve replay boot -e 'every break:0xffffffff810a2b30 20' -e timeline
      """)

  @Argument(help: "The recording's directory.", completion: .directory)
  var directory: String

  @Option(
    name: .customLong("listen"),
    help: ArgumentHelp(
      "Where: unix:PATH, or 127.0.0.1:PORT. Default: unix:DIR/gdb.", valueName: "address"))
  var address: String?

  @Option(
    name: [.customShort("e"), .customLong("execute")],
    help: ArgumentHelp(
      "Do one of the commands that monitor help lists, and end after the last; may be repeated.",
      valueName: "command"))
  var commands: [String] = []

  @OptionGroup var output: OutputOptions

  func validate() throws {
    if let address, LocalAddress(address) == nil {
      throw ValidationError("\(address) is neither unix:PATH nor 127.0.0.1:PORT")
    }
  }

  func run() async throws {
    try await Session.run(output) { session in
      let replay = try await ReplaySession(directory, progress: session.progress) { text in
        session.note("varve: \(text)")
      }
      do {
        try await work(replay, session)
      } catch {
        // What went wrong first is what has to be told.
        do { try await replay.end() } catch let later { session.note("varve: \(later)") }
        throw error
      }
      try await replay.end()
    }
  }

  private func work(_ replay: ReplaySession, _ session: Session) async throws {
    if !commands.isEmpty {
      for command in commands {
        let text = try await replay.run(command) { text in session.note("varve: \(text)") }
        try StandardStream.output.write(text)
      }
      return
    }
    guard let address = LocalAddress(address ?? "unix:\(directory)/gdb") else { return }
    let listener = try LocalListener(at: address)
    session.note(
      "varve: replaying \(directory); in gdb: target remote \(Self.gdbName(listener.address))")
    // Ctrl-C and SIGTERM end it in order: the socket goes, QEMU ends.
    let signals = SignalWatch()
    let server = Task {
      try await replay.serve(listener) { text in session.note("varve: \(text)") }
    }
    let watcher = Task {
      await signals.wait()
      server.cancel()
    }
    let outcome = await server.result
    signals.endWaiting()
    await watcher.value
    try outcome.get()
  }

  /// As gdb takes it: a Unix socket by its path alone.
  private static func gdbName(_ address: LocalAddress) -> String {
    let text = address.description
    return text.hasPrefix("unix:") ? String(text.dropFirst(5)) : text
  }
}
