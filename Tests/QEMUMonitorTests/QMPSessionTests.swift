import Testing

@testable import QEMUMonitor

private let conversation = """
  {"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "Debian"}, \
  "capabilities": ["oob"]}}\r
  {"return": {}, "id": 1}\r

  {"timestamp": {"seconds": 1, "microseconds": 2}, "event": "STOP"}\r
  {"id": 2, "return": {"status": "running", "running": true, "singlestep": false}}\r
  {"id": 3, "error": {"class": "GenericError", "desc": "no “such” thing"}}\r

  """

private let expected: [QMPMessage] = [
  .greeting(version: "7.2.22 (Debian)"),
  .success(id: .integer(1), .object([:])),
  .event("STOP", data: nil),
  .success(
    id: .integer(2),
    .object(["status": .string("running"), "running": .bool(true), "singlestep": .bool(false)])),
  .failure(id: .integer(3), errorClass: "GenericError", description: "no “such” thing"),
]

@Test func messagesAreTheSameInEverySplit() throws {
  let bytes = Array(conversation.utf8)
  for split in 0...bytes.count {
    var decoder = QMPDecoder()
    var messages: [QMPMessage] = []
    for part in [bytes[..<split], bytes[split...]] {
      try decoder.receive(Array(part))
      while let message = try decoder.next() { messages.append(message) }
    }
    #expect(messages == expected, "split at \(split)")
  }
}

@Test func messagesComeByteByByte() throws {
  var decoder = QMPDecoder()
  var messages: [QMPMessage] = []
  for byte in conversation.utf8 {
    try decoder.receive([byte])
    while let message = try decoder.next() { messages.append(message) }
  }
  #expect(messages == expected)
}

@Test func answersBelongToTheirCommands() throws {
  var session = QMPSession()
  try session.receive(Array(conversation.utf8))
  #expect(try session.readGreeting())
  #expect(session.version == "7.2.22 (Debian)")
  let first = try session.command("qmp_capabilities")
  #expect(first.id == .integer(1))
  #expect(first.bytes.last == UInt8(ascii: "\n"))
  #expect(
    try QMPValue(json: first.bytes)
      == .object(["execute": .string("qmp_capabilities"), "id": .integer(1)]))
  // Nobody waits for the first answer; the event and it are passed over.
  let second = try session.command("query-status")
  #expect(try session.answer(to: second.id, command: "query-status")?["running"] == .bool(true))
  let third = try session.command("x", arguments: ["a": .integer(1)])
  #expect(
    throws: QMPError.refused(
      command: "x", errorClass: "GenericError", description: "no “such” thing")
  ) {
    try session.answer(to: third.id, command: "x")
  }
  #expect(try session.answer(to: third.id, command: "x") == nil)
}

@Test func whatIsNoQMPIsToldApart() throws {
  for text in ["SSH-2.0-OpenSSH\r\n", "{}\n", "[]\n", "{\"event\": 1}\n", "{\"return\n"] {
    var decoder = QMPDecoder()
    try decoder.receive(Array(text.utf8))
    #expect(throws: QMPError.self, "\(text)") { try decoder.next() }
  }
  var session = QMPSession()
  try session.receive(Array("{\"return\": {}}\n".utf8))
  #expect(throws: QMPError.protocolViolation("an answer came before the greeting")) {
    try session.readGreeting()
  }
}

@Test func aLineWithoutEndIsNotKeptForEver() throws {
  var decoder = QMPDecoder(limit: 1 << 16)
  try decoder.receive([UInt8](repeating: 0x20, count: 1 << 16))
  #expect(try decoder.next() == nil)
  #expect(throws: QMPError.self) { try decoder.receive([0x20]) }
}

@Test func valuesGoRoundTheirJSON() throws {
  let value = QMPValue.object([
    "a": .array([.null, .bool(false), .integer(.max), .integer(-1), .number(1.5)]),
    "b": .string("\u{1}\"\\é"),
  ])
  #expect(try QMPValue(json: value.json()) == value)
}
