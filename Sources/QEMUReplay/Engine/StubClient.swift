internal import GDBRemote
internal import HostSystem
internal import TimeTravel

/// The client's side of the GDB remote protocol, as QEMU's stub speaks it: one packet out, one in, each
/// acknowledged (QEMU 7.2 gdbstub/gdbstub.c offers no other mode).
struct StubClient {
  private let socket: LocalSocket
  private var decoder = PacketDecoder(from: .server, limit: 1 << 16)
  private var arrived: [[UInt8]] = []

  /// The largest piece of memory that fits an answer: `PacketSize` is 4096, two digits a byte.
  static let memoryLimit: UInt64 = 2000

  init(_ socket: LocalSocket) { self.socket = socket }

  /// Sends `request`; `next` gives its answer.
  mutating func send(_ request: String) throws(ReplayError) {
    try system { () throws(HostError) in try socket.send(encodedPacket(request)) }
  }

  /// The next packet, as text; nil if none comes before `deadline`. Throws `.engineDied` if the
  /// connection ended.
  mutating func next(before deadline: ContinuousClock.Instant) throws(ReplayError) -> String? {
    while arrived.isEmpty {
      let bytes: [UInt8]?
      do throws(HostError) {
        bytes = try socket.receive(before: deadline)
      } catch {
        throw .engineDied("closed its debugger stub: \(error.reason)")
      }
      guard let bytes else { return nil }
      guard !bytes.isEmpty else { throw .engineDied("closed its debugger stub") }
      for case .packet(let contents) in decoder.receive(bytes) {
        arrived.append(contents)
        try system { () throws(HostError) in try socket.send([UInt8(ascii: "+")]) }
      }
    }
    return String(decoding: arrived.removeFirst(), as: UTF8.self)
  }

  /// The answer to `request`. Throws `.stub` if none comes.
  mutating func ask(_ request: String) throws(ReplayError) -> String {
    try send(request)
    return try answer(to: request)
  }

  /// The answers to `requests`, all of which are sent before the first answer is read: the way there
  /// and back takes longer than most answers. None of them may let the machine run, for then QEMU
  /// would take a late acknowledgement for a wish to stop it.
  mutating func ask(_ requests: [String]) throws(ReplayError) -> [String] {
    for request in requests { try send(request) }
    var answers: [String] = []
    for request in requests { answers.append(try answer(to: request)) }
    return answers
  }

  /// What is printed by `command`, one of those that QEMU's monitor for people knows.
  static func monitor(_ command: String) -> String { "qRcmd," + hexText(command) }

  private mutating func answer(to request: String) throws(ReplayError) -> String {
    let isMonitor = request.hasPrefix("qRcmd,")
    var printed = ""
    while true {
      guard let answer = try next(before: .now + .seconds(30)) else {
        throw .stub("no answer to \(request.prefix(20)) within 30 s")
      }
      // Output comes in pieces, `O` and digits, before the last answer (gdb manual, "General Query Packets").
      guard isMonitor, answer.hasPrefix("O"), answer != "OK" else {
        guard isMonitor else { return answer }
        guard answer == "OK" else { throw .stub("it has no monitor commands: \(answer)") }
        return printed
      }
      printed += String(decoding: try Self.bytes(String(answer.dropFirst())), as: UTF8.self)
    }
  }

  /// Sends `request`, which is to be answered by `OK`. False if it is refused.
  mutating func command(_ request: String) throws(ReplayError) -> Bool {
    try ask(request) == "OK"
  }

  /// The bytes that `digits` stand for. Throws `.stub` if they aren't hexadecimal.
  static func bytes(_ digits: String) throws(ReplayError) -> [UInt8] {
    let text = digits.utf8
    guard text.count.isMultiple(of: 2) else { throw .stub("an odd number of digits") }
    guard let bytes = hexBytes(text) else {
      // QEMU writes `xx` for registers that it doesn't know; none are known here.
      throw .stub("“\(digits.prefix(20))” isn't hexadecimal")
    }
    return bytes
  }
}

/// Why QEMU's stub stopped: `T05thread:01;watch:ffff…;` (gdb manual, "Stop Reply Packets").
struct StubStop: Hashable {
  /// The signal: 5 for a breakpoint, a watchpoint or a step, 2 for a stop from elsewhere.
  let signal: UInt8
  /// The watchpoint that was accessed, if any was: its first address, and what it is for.
  let watched: Watched?

  struct Watched: Hashable {
    let address: UInt64
    let access: WatchedAccess
  }

  private static let accesses: [Substring: WatchedAccess] = [
    "watch": .write, "rwatch": .read, "awatch": .readOrWrite,
  ]

  /// Throws `.stub` for anything but a stop.
  init(_ reply: String) throws(ReplayError) {
    guard reply.first == "T" || reply.first == "S",
      let signal = UInt8(reply.dropFirst().prefix(2), radix: 16)
    else { throw .stub("“\(reply.prefix(40))” is no stop") }
    self.signal = signal
    var watched: Watched?
    for field in reply.dropFirst(3).split(separator: ";") {
      let parts = field.split(separator: ":", maxSplits: 1)
      guard parts.count == 2, let access = Self.accesses[parts[0]] else { continue }
      guard let address = UInt64(parts[1], radix: 16) else {
        throw .stub("“\(field)” names no address")
      }
      watched = Watched(address: address, access: access)
    }
    self.watched = watched
  }
}
