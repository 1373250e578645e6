/// Finds and takes apart the arguments in a frame's line.
///
/// Values hold commas, parentheses and quotes of their own: `why=0x55 "a, (b", hook=0x77 <f(int)>`.
enum ArgumentText {
  /// The bytes between the parentheses that hold the arguments: the last pair, which a space comes
  /// before. `line` begins with the function's name; nil if there is no such pair.
  static func range(in line: [UInt8]) -> Range<Int>? {
    var start = 0
    while let open = line[start...].firstIndex(of: UInt8(ascii: "(")) {
      start = open + 1
      guard open > 0, line[open - 1] == UInt8(ascii: " "), let close = closing(line, from: start)
      else { continue }
      // A name such as `pass<int (int)>` or `(anonymous namespace)::f` goes on behind its own pair.
      let rest = line[(close + 1)...]
      if rest.isEmpty || rest.starts(with: " at ".utf8) || rest.starts(with: " from ".utf8)
        || rest.starts(with: " [guess: ".utf8)
      {
        return start..<close
      }
    }
    return nil
  }

  /// The index of the parenthesis that closes the one before `start`.
  private static func closing(_ line: [UInt8], from start: Int) -> Int? {
    var scan = NestingScan()
    for index in start..<line.count {
      if scan.depth == 0, !scan.isQuoted, line[index] == UInt8(ascii: ")") { return index }
      scan.advance(line[index])
    }
    return nil
  }

  /// The variables in `list`: `a=1, b=2`.
  static func split(_ list: ArraySlice<UInt8>) -> [PrintedVariable] {
    var variables: [PrintedVariable] = []
    for piece in pieces(list) {
      if let equals = nameEnd(piece) {
        variables.append(
          PrintedVariable(
            name: String(decoding: piece[..<equals], as: UTF8.self),
            value: String(decoding: piece[(equals + 1)...], as: UTF8.self)))
      } else if let last = variables.indices.last {
        // Not a new variable: the next run of a string, as in `"start", 'r' <repeats 95 times>`.
        variables[last].value += ", " + String(decoding: piece, as: UTF8.self)
      } else {
        variables.append(PrintedVariable(name: "", value: String(decoding: piece, as: UTF8.self)))
      }
    }
    return variables
  }

  /// The parts of `list` between commas that no bracket or quote encloses.
  private static func pieces(_ list: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    var pieces: [ArraySlice<UInt8>] = []
    var scan = NestingScan()
    var start = list.startIndex
    for index in list.indices {
      if list[index] == UInt8(ascii: ","), scan.depth == 0, !scan.isQuoted {
        pieces.append(list[start..<index])
        start = min(index + 2, list.endIndex)
      }
      scan.advance(list[index])
    }
    if start < list.endIndex { pieces.append(list[start...]) }
    return pieces
  }

  /// Where the `=` behind a variable's name is: `__args#0=`, `depth@entry=`.
  private static func nameEnd(_ piece: ArraySlice<UInt8>) -> Int? {
    for index in piece.indices {
      switch piece[index] {
      case UInt8(ascii: "="): return index > piece.startIndex ? index : nil
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "#"),
        UInt8(ascii: "@"), UInt8(ascii: "$"):
        continue
      default: return nil
      }
    }
    return nil
  }
}

/// How many brackets are open, and whether a quote is, as text goes by.
private struct NestingScan {
  private(set) var depth = 0
  private var quote: UInt8?
  private var isEscaped = false
  var isQuoted: Bool { quote != nil }

  mutating func advance(_ byte: UInt8) {
    if let quote {
      if isEscaped {
        isEscaped = false
      } else if byte == UInt8(ascii: "\\") {
        isEscaped = true
      } else if byte == quote {
        self.quote = nil
      }
      return
    }
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "'"): quote = byte
    case UInt8(ascii: "("), UInt8(ascii: "{"), UInt8(ascii: "<"), UInt8(ascii: "["): depth += 1
    case UInt8(ascii: ")"), UInt8(ascii: "}"), UInt8(ascii: ">"), UInt8(ascii: "]"): depth -= 1
    default: break
    }
  }
}
