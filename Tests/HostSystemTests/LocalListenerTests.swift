import HostSystem
import TestWorlds
import Testing

@Suite struct LocalListenerTests {
  private let directory: ScratchDirectory

  init() throws { directory = try ScratchDirectory() }

  private func connect(_ listener: LocalListener) async throws -> LocalConnection {
    try #require(try await listener.accept())
  }

  @Test(
    arguments: [
      ("unix:/run/a b", .unix(path: "/run/a b")), ("127.0.0.1:1234", .loopback(port: 1234)),
      ("localhost:65535", .loopback(port: 65535)), (":0", .loopback(port: 0)),
      ("1234", .loopback(port: 1234)),
    ] as [(String, LocalAddress)])
  func readsAddresses(_ text: String, _ address: LocalAddress) {
    #expect(LocalAddress(text) == address)
    #expect(LocalAddress(address.description) == address)
  }

  @Test(
    arguments: [
      "", ":", "unix:", "0.0.0.0:1", "192.168.0.1:1", "*:1", "127.0.0.1:", "127.0.0.1:65536",
      "127.0.0.1:+1", "127.0.0.1:-1", "example.org:1", "/run/a", "1234x", "127.0.0.1:1:1",
    ])
  func takesNoOtherMachinesAddresses(_ text: String) {
    #expect(LocalAddress(text) == nil)
  }

  @Test func passesBytesBothWays() async throws {
    let path = directory.file("socket")
    let listener = try LocalListener(at: .unix(path: path))
    let client = try LocalSocket(connectingTo: path, timeout: .seconds(10))
    let connection = try await connect(listener)
    try client.send([1, 2, 3])
    #expect(try await connection.receive() == [1, 2, 3])
    try await connection.send([4, 5])
    #expect(try client.receive(before: .now + .seconds(10)) == [4, 5])
    connection.close()
    #expect(try client.receive(before: .now + .seconds(10)) == [])
    #expect(try await connection.receive() == [])
    await #expect(throws: HostError.self) { try await connection.send([6]) }
  }

  @Test func aClientThatGoesSendsNothingMore() async throws {
    let path = directory.file("socket")
    let listener = try LocalListener(at: .unix(path: path))
    let connection: LocalConnection
    do {
      let client = try LocalSocket(connectingTo: path, timeout: .seconds(10))
      connection = try await connect(listener)
      // What it never reads turns its end into a reset.
      try await connection.send([1])
      try client.send([2])
    }
    #expect(try await connection.receive() == [2])
    #expect(try await connection.receive() == [])
  }

  @Test func onlyItsOwnerMayUseAUnixSocket() async throws {
    let path = directory.file("socket")
    let listener = try LocalListener(at: .unix(path: path))
    #expect(try Tool.run("stat", "-c", "%a %F", path, in: directory) == "600 socket\n")
    #expect(listener.address == .unix(path: path))
    #expect(throws: HostError.addressInUse(path: path)) { try LocalListener(at: .unix(path: path)) }
    listener.close()
    #expect(throws: ToolFailure.self) { try Tool.run("stat", path, in: directory) }
    let after = try await listener.accept()
    #expect(after == nil)
  }

  @Test func replacesAnAbandonedSocketButNoOtherFile() throws {
    let path = directory.file("socket")
    try Tool.run(
      "python3", "-c", "import socket; socket.socket(socket.AF_UNIX).bind('socket')", in: directory)
    let listener = try LocalListener(at: .unix(path: path))
    listener.close()
    let file = try directory.write("text", to: "file")
    #expect(throws: HostError.addressInUse(path: file)) { try LocalListener(at: .unix(path: file)) }
    #expect(try directory.read("file") == Array("text".utf8))
    let long = directory.file(String(repeating: "a", count: 108))
    #expect(throws: HostError.self) { try LocalListener(at: .unix(path: long)) }
  }

  @Test func closingWakesWhoeverWaits() async throws {
    for address in [LocalAddress.unix(path: directory.file("socket")), .loopback(port: 0)] {
      let listener = try LocalListener(at: address)
      async let accepted = listener.accept()
      listener.close()
      let connection = try await accepted
      #expect(connection == nil)
    }
  }

  @Test func theSystemChoosesPorts() async throws {
    let listener = try LocalListener(at: .loopback(port: 0))
    guard case .loopback(let port) = listener.address else {
      Issue.record("\(listener.address)")
      return
    }
    #expect(port != 0)
    #expect(throws: HostError.self) { try LocalListener(at: .loopback(port: port)) }
    let hex = String(port, radix: 16, uppercase: true)
    let table = try Tool.run("cat", "/proc/net/tcp", in: directory)
    #expect(table.contains(" 0100007F:\(String(repeating: "0", count: 4 - hex.count))\(hex) "))
  }
}
