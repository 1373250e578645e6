public import Bytes
import Targets

/// A stretch of guest memory that the user names: `--ram ADDR:SIZE@GPA`.
public struct GivenRAM: Hashable, Sendable {
  /// Where it is in the QEMU process.
  public let host: VirtualAddress
  /// In bytes.
  public let count: UInt64
  /// Where the guest sees it.
  public let start: PhysicalAddress

  public init(host: VirtualAddress, count: UInt64, start: PhysicalAddress) {
    self.host = host
    self.count = count
    self.start = start
  }

  /// Parses `ADDR:SIZE@GPA`: numbers are decimal or, after `0x`, hexadecimal; `k`, `M`, `G` and `T`
  /// stand for powers of 1024. Throws `.badPlace`.
  public init(parsing text: String) throws(MachineSearchError) {
    guard let colon = text.firstIndex(of: ":"),
      let at = text[colon...].firstIndex(of: "@")
    else { throw .badPlace(text: text, reason: "it has to be ADDR:SIZE@GPA") }
    func number(_ part: Substring, _ what: String) throws(MachineSearchError) -> UInt64 {
      guard let number = Self.number(part) else {
        throw .badPlace(text: text, reason: "\(what) “\(part)” is no number")
      }
      return number
    }
    host = VirtualAddress(try number(text[..<colon], "the address"))
    count = try number(text[text.index(after: colon)..<at], "the size")
    start = PhysicalAddress(try number(text[text.index(after: at)...], "the guest's address"))
    guard count > 0 else { throw .badPlace(text: text, reason: "its size is 0") }
    guard host.advanced(by: count - 1) != nil, start.advanced(by: count - 1) != nil else {
      throw .badPlace(text: text, reason: "it goes past the end of the address space")
    }
  }

  private static func number(_ text: Substring) -> UInt64? {
    var digits = text
    var shift: UInt64 = 0
    let suffixes: [Character: UInt64] = ["k": 10, "K": 10, "M": 20, "G": 30, "T": 40]
    if let last = digits.last, let found = suffixes[last] {
      shift = found
      digits.removeLast()
    }
    let isHexadecimal = digits.hasPrefix("0x") || digits.hasPrefix("0X")
    if isHexadecimal { digits = digits.dropFirst(2) }
    guard let first = digits.first, first != "+", first != "-",
      let number = UInt64(digits, radix: isHexadecimal ? 16 : 10),
      number <= UInt64.max >> shift
    else { return nil }
    return number << shift
  }
}

extension GivenRAM: CustomStringConvertible {
  /// As it would be given: `0x7f0000000000:0x40000000@0x100000000`.
  public var description: String { "\(host):\(hex(count))@\(start)" }

  /// The first address past it; nil if it reaches the end of the space.
  fileprivate var end: PhysicalAddress? { start.advanced(by: count) }
}

extension GuestMemoryLayout {
  /// The layout of `given` memory, all of it RAM. Throws `.overlappingPlaces`.
  public init(given: [GivenRAM]) throws(MachineSearchError) {
    let sorted = given.sorted { $0.start < $1.start }
    for (first, second) in zip(sorted, sorted.dropFirst()) {
      guard let end = first.end, end <= second.start else {
        throw .overlappingPlaces("\(first)", "\(second)")
      }
    }
    self.init(
      blocks: sorted.enumerated().map { index, given in
        GuestRAMBlock(name: "ram\(index)", host: given.host, count: given.count, address: nil)
      },
      ranges: sorted.enumerated().map { index, given in
        GuestFlatRange(
          start: given.start, count: given.count, kind: .ram, block: index, offset: 0)
      }, evidence: sorted.map { "\($0) was given" })
  }
}
