/// Takes a stream of bytes apart into packets, however it arrives.
///
///     + -                     the last packet arrived, or must be sent again
///     0x03                    interrupt, between packets only
///     $ contents # xx         a packet; xx is the sum of the contents' bytes modulo 256 in hexadecimal
///                             digits; in the contents, } is followed by a byte xor 0x20
///     x * n                   in the contents: x, and n - 29 more of it. Only servers send that.
///
/// Source: gdb manual, "Overview" of the remote protocol. Everything else is noise and passed over.
public struct PacketDecoder: Sendable {
  /// What was found.
  public enum Item: Hashable, Sendable {
    case acknowledgement
    /// The last packet must be sent again.
    case retransmission
    case interrupt
    /// A packet's contents with nothing escaped any more.
    case packet([UInt8])
    /// A packet of which the checksum is wrong, or which is too long or ill formed.
    case damaged
  }

  /// Whose packets are read. Only a server's are compressed; a client's may have a `*` of their own.
  public enum Sender: Hashable, Sendable { case client, server }

  private enum State {
    case between
    case contents
    case firstDigit
    case secondDigit(UInt8?)
  }

  private let sender: Sender
  /// The largest packet, in bytes of its contents.
  public let limit: Int
  private var state = State.between
  private var contents: [UInt8] = []
  private var sum: UInt8 = 0
  private var isEscaped = false
  private var isRepeating = false
  private var isDamaged = false

  public init(from sender: Sender, limit: Int) {
    self.sender = sender
    self.limit = limit
  }

  /// Takes what arrived; gives what is complete now.
  public mutating func receive(_ bytes: some Sequence<UInt8>) -> [Item] {
    var items: [Item] = []
    for byte in bytes {
      if let item = take(byte) { items.append(item) }
    }
    return items
  }

  private mutating func take(_ byte: UInt8) -> Item? {
    switch state {
    case .between: return takeBetween(byte)
    case .contents: takeContents(byte)
    case .firstDigit: state = .secondDigit(hexDigit(byte))
    case .secondDigit(let first):
      state = .between
      guard let first, let second = hexDigit(byte), first << 4 | second == sum, !isDamaged,
        !isEscaped, !isRepeating
      else { return .damaged }
      return .packet(contents)
    }
    return nil
  }

  private mutating func takeBetween(_ byte: UInt8) -> Item? {
    switch byte {
    case UInt8(ascii: "$"): begin()
    case UInt8(ascii: "+"): return .acknowledgement
    case UInt8(ascii: "-"): return .retransmission
    case 3: return .interrupt
    default: break
    }
    return nil
  }

  private mutating func begin() {
    state = .contents
    contents.removeAll(keepingCapacity: true)
    sum = 0
    isEscaped = false
    isRepeating = false
    isDamaged = false
  }

  private mutating func takeContents(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "#"):
      state = .firstDigit
      return
    // Nothing else has a bare `$`: the packet before was cut off.
    case UInt8(ascii: "$"): return begin()
    default: sum &+= byte
    }
    if isRepeating {
      isRepeating = false
      guard byte >= 29, let last = contents.last else {
        isDamaged = true
        return
      }
      append(last, count: Int(byte) - 29)
    } else if isEscaped {
      isEscaped = false
      append(byte ^ 0x20, count: 1)
    } else if byte == UInt8(ascii: "}") {
      isEscaped = true
    } else if byte == UInt8(ascii: "*"), sender == .server {
      isRepeating = true
    } else {
      append(byte, count: 1)
    }
  }

  private mutating func append(_ byte: UInt8, count: Int) {
    guard contents.count + count <= limit else {
      isDamaged = true
      return
    }
    contents.append(contentsOf: repeatElement(byte, count: count))
  }
}
