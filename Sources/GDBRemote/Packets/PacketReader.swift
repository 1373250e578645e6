/// Reads the contents of a packet from front to back. What isn't as expected is nil, and nothing is
/// consumed.
struct PacketReader {
  private(set) var rest: ArraySlice<UInt8>

  init(_ contents: [UInt8]) { rest = contents[...] }

  var isAtEnd: Bool { rest.isEmpty }

  /// What is left, as text.
  var text: String { String(decoding: rest, as: UTF8.self) }

  /// Whether `text` comes next; it is consumed then.
  mutating func skip(_ text: StaticString) -> Bool {
    let bytes = Array("\(text)".utf8)
    guard rest.starts(with: bytes) else { return false }
    rest = rest.dropFirst(bytes.count)
    return true
  }

  /// The next byte.
  mutating func next() -> UInt8? { rest.popFirst() }

  /// A hexadecimal number; nil if no digit comes, or more than fit.
  mutating func number() -> UInt64? {
    let start = rest
    var value: UInt64 = 0
    while let byte = rest.first, let digit = hexDigit(byte) {
      guard value >> 60 == 0 else {
        rest = start
        return nil
      }
      value = value << 4 | UInt64(digit)
      rest = rest.dropFirst()
    }
    return rest.startIndex == start.startIndex ? nil : value
  }

  /// A hexadecimal number that is an amount of something.
  mutating func count() -> Int? {
    let start = rest
    guard let value = number(), let count = Int(exactly: value) else {
      rest = start
      return nil
    }
    return count
  }

  /// The next `count` bytes.
  mutating func bytes(_ count: Int) -> ArraySlice<UInt8>? {
    guard count >= 0, count <= rest.count else { return nil }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }

  /// What comes before the first of `separators`, which isn't consumed, or before the end.
  mutating func upTo(_ separators: UInt8...) -> ArraySlice<UInt8> {
    let part = rest.prefix { !separators.contains($0) }
    rest = rest.dropFirst(part.count)
    return part
  }

  /// A thread: nothing consumed and nil if none is named; `.any` for 0, `.all` for -1. Of `pPID.TID`
  /// the process is passed over, for there is only one.
  mutating func thread() -> ThreadChoice? {
    let start = rest
    if skip("p") {
      if skip("-1") { return skip(".-1") || true ? .all : nil }
      guard number() != nil else {
        rest = start
        return nil
      }
      guard skip(".") else { return .all }
    }
    if skip("-1") { return .all }
    guard let value = number(), let id = UInt32(exactly: value) else {
      rest = start
      return nil
    }
    return ThreadID(rawValue: id).map { .one($0) } ?? .any
  }
}

/// Which thread a packet is about.
enum ThreadChoice: Hashable {
  case any
  case all
  case one(ThreadID)
}
