/// What follows from a packet.
enum Reply {
  /// The contents of the answer.
  case contents([UInt8])
  /// The answer comes when this is done.
  case start(RemoteCommand)
  /// No answer, and no more conversation.
  case close

  /// The answer to whatever isn't known.
  static let unknown = Reply.contents([])
  static let ok = text("OK")

  static func text(_ text: String) -> Reply { .contents(Array(text.utf8)) }
}

/// Numbers for errors, of which clients make nothing but text: those of Linux (errno.h).
enum ErrorNumber: UInt8 {
  case noThread = 3
  case memory = 14
  case malformed = 22
  case lost = 5
  case refused = 95
}

extension RemoteError {
  var number: ErrorNumber {
    switch self {
    case .memory: .memory
    case .noThread: .noThread
    case .refused: .refused
    case .lost: .lost
    }
  }
}

/// What a client has said that it understands.
struct ClientFeatures {
  /// Stop reasons `swbreak` and `hwbreak`.
  var softwareBreakpointStops = false
  var hardwareBreakpointStops = false
  /// gdb: takes output before a stop. lldb does, too, but what its users send as bare packets it answers with the
  /// first packet that comes.
  var outputWhileRunning = false
  /// gdb: `E.text` in answer to anything.
  var errorMessages = false
  /// lldb: `Enn;text` with the text in hexadecimal.
  var errorStrings = false
  /// lldb: register packets end with `;thread:ID;`. No other client asks for that.
  var threadSuffix = false
  /// lldb: `p` was answered once.
  var knowsRegisterReads = false
  /// lldb: stops list all threads.
  var threadsInStops = false
  /// lldb up to 19: `x` answers with nothing but the bytes.
  var bareBinaryReads = false

  /// The answer that stands for `error`.
  func reply(to error: RemoteError) -> Reply { reply(error.number, error.description) }

  func reply(_ number: ErrorNumber, _ message: String) -> Reply {
    if errorMessages { return .text("E.\(message)") }
    var code: [UInt8] = [UInt8(ascii: "E")]
    appendHex(number.rawValue, to: &code)
    if errorStrings { code += Array(";\(hexText(message))".utf8) }
    return .contents(code)
  }
}
