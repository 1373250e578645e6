import GDBRemote
import HostSystem
import Synchronization
import TestWorlds
import Testing

/// The loop around a session, with a client that sends what no debugger would.
@Suite struct ServerTests {
  private let directory: ScratchDirectory

  init() throws { directory = try ScratchDirectory() }

  /// A client that waits for what it expects.
  private struct Client: Sendable {
    let socket: LocalSocket

    /// Sends `bytes`; gives what comes until it ends in `ending`.
    func ask(_ bytes: [UInt8], until ending: String) async throws -> String {
      try await blocking {
        try socket.send(bytes)
        var answer: [UInt8] = []
        while !answer.reversed().starts(with: ending.utf8.reversed()) {
          let more = try socket.receive(before: .now + .seconds(600))
          guard let more, !more.isEmpty else { break }
          answer += more
        }
        return String(decoding: answer, as: UTF8.self)
      }
    }
  }

  private func connect(to target: any DebuggableTarget) async throws -> (ServedMachine, Client) {
    let path = directory.file("server")
    let machine = try ServedMachine(target, at: .unix(path: path))
    let client = Client(socket: try LocalSocket(connectingTo: path, timeout: .seconds(600)))
    #expect(try await client.ask(encodedPacket("QStartNoAckMode"), until: "#9a") == "+$OK#9a")
    return (machine, client)
  }

  @Test func interruptsCommands() async throws {
    let (machine, client) = try await connect(to: ToyMachine())
    defer { machine.close() }
    let searching = encodedPacket("O" + hex("searching\n"))
    // "search", and while it goes on a question, which has to wait.
    let shown = try await client.ask(
      encodedPacket("qRcmd,736561726368") + encodedPacket("qAttached"),
      until: String(decoding: searching, as: UTF8.self))
    #expect(shown == String(decoding: searching, as: UTF8.self))
    let rest = encodedPacket("O" + hex("interrupted\n")) + encodedPacket("OK") + encodedPacket("1")
    #expect(
      try await client.ask([3], until: "$1#31") == String(decoding: rest, as: UTF8.self))
  }

  @Test func aClientThatKillsIsLetGo() async throws {
    let target = ToyMachine()
    let (machine, client) = try await connect(to: target)
    defer { machine.close() }
    #expect(try await client.ask(encodedPacket("k"), until: "never") == "")
    #expect(target.state.withLock { $0.isKilled })
  }

  @Test func aServerThatIsCancelledEndsWhatRuns() async throws {
    let listener = try LocalListener(at: .unix(path: directory.file("other")))
    let isBusy = Mutex(false)
    let target = ToyMachine(length: .max) { isBusy.withLock { $0 = true } }
    // As in `ServedMachine`.
    let serving = Task(priority: .high) {
      let connection = try #require(try await listener.accept())
      try await RemoteServer.serve(connection, target: target)
    }
    let client = Client(
      socket: try LocalSocket(connectingTo: directory.file("other"), timeout: .seconds(600)))
    #expect(try await client.ask(encodedPacket("c"), until: "+") == "+")
    while !isBusy.withLock({ $0 }) { await Task.yield() }
    serving.cancel()
    try await serving.value
    #expect(target.currentStop().reason == .interrupted)
    #expect(try await client.ask([], until: "never") == "")
  }

  @Test func noiseIsNoReasonToGo() async throws {
    let (machine, client) = try await connect(to: ToyMachine())
    defer { machine.close() }
    let noise = Array("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8) + Array(0x80...0xff)
    #expect(try await client.ask(noise + encodedPacket("qC"), until: "$QC1#c5") == "$QC1#c5")
  }

  /// Two digits for each byte.
  private func hex(_ text: String) -> String {
    text.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
