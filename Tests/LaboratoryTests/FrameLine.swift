/// A variable and its value as a backtrace prints them: `name=value`, or `name = value` for locals.
struct PrintedVariable: Hashable, Sendable {
  let name: String
  var value: String
}

/// One frame as gdb or Varve prints it.
struct FrameLine: Hashable, Sendable {
  /// Nil where the line doesn't show it.
  var address: UInt64?
  var function: String
  var arguments: [PrintedVariable] = []
  /// `file:line`.
  var location: String?
  /// What stands behind "from".
  var library: String?
  /// Varve's remark that it guessed.
  var guess: String?
  var locals: [PrintedVariable] = []

  static let signalHandler = "<signal handler called>"
}

/// The stacks that `thread apply all backtrace` or `varve bt -a` printed, by thread id.
struct PrintedStacks {
  private(set) var threads: [Int: [FrameLine]] = [:]
  /// Lines that fit nothing known.
  private(set) var strange: [String] = []
  /// gdb printed the frames through a filter that a library brought (libglib has one): it leaves out
  /// names that it doesn't know, writes "at" before a library, and lists other locals.
  private(set) var areFiltered = false

  init(_ text: String) {
    var thread: Int?
    for line in text.split(separator: "\n") {
      if line.hasPrefix("Thread "), let lwp = Self.threadID(line) {
        thread = lwp
        threads[lwp] = []
      } else if let thread, line.first == "#" {
        if line.contains(" in  (") { areFiltered = true }
        if let frame = Self.frame(line) {
          threads[thread]?.append(frame)
        } else {
          strange.append(String(line))
        }
      } else if let thread, line.hasPrefix("        ") {
        addLocal(line.dropFirst(8), to: thread)
      } else if !Self.isRemark(line) {
        strange.append(String(line))
      }
    }
  }

  private mutating func addLocal(_ line: Substring, to thread: Int) {
    guard let frame = threads[thread]?.indices.last, let equals = line.firstRange(of: " = ") else {
      strange.append(String(line))
      return
    }
    threads[thread]?[frame].locals.append(
      PrintedVariable(
        name: String(line[..<equals.lowerBound]), value: String(line[equals.upperBound...])))
  }

  /// What is neither a heading, a frame nor a variable.
  private static func isRemark(_ line: Substring) -> Bool {
    // gdb's complaint about extended state shows up between the lines of its answer.
    ["No locals.", "No symbol table info available.", "warning: Section `.reg-xstate/"]
      .contains { line.hasPrefix($0) } || line.hasPrefix("Backtrace stopped: ")
  }

  private static func threadID(_ line: Substring) -> Int? {
    guard let mark = line.firstRange(of: "LWP ") else { return nil }
    return Int(line[mark.upperBound...].prefix { $0.isNumber })
  }

  /// `#3  0x000055d4 in name (arguments) at file:line` and the shorter forms.
  static func frame(_ line: Substring) -> FrameLine? {
    var rest = line.dropFirst().drop { $0.isNumber }.drop { $0 == " " }
    if rest == FrameLine.signalHandler { return FrameLine(function: FrameLine.signalHandler) }
    var frame = FrameLine(function: "")
    if rest.hasPrefix("0x"), let mark = rest.firstRange(of: " in ") {
      frame.address = UInt64(rest[..<mark.lowerBound].dropFirst(2), radix: 16)
      rest = rest[mark.upperBound...]
    }
    let bytes = Array(rest.utf8)
    guard let list = ArgumentText.range(in: bytes) else { return nil }
    let function = String(decoding: bytes[..<(list.lowerBound - 2)], as: UTF8.self)
    frame.function = function.isEmpty ? "??" : function
    frame.arguments = ArgumentText.split(bytes[list])
    var place = String(decoding: bytes[(list.upperBound + 1)...], as: UTF8.self)
    if let mark = place.firstRange(of: " [guess: ") {
      frame.guess = String(place[mark.upperBound...].dropLast())
      place = String(place[..<mark.lowerBound])
    }
    guard let (word, name) = Self.place(place) else { return nil }
    if word == "at", name.contains(":") {
      frame.location = name
    } else if word != "" {
      frame.library = name
    }
    return frame
  }

  private static func place(_ text: String) -> (word: String, name: String)? {
    if text.isEmpty { return ("", "") }
    for word in ["at", "from"] where text.hasPrefix(" \(word) ") {
      return (word, String(text.dropFirst(word.utf8.count + 2)))
    }
    return nil
  }
}
