public import Bytes

/// A stretch of physical memory that a file holds and nothing else tells of.
///
///     FILE[+OFFSET[:SIZE]]@ADDRESS
///
/// The bytes of FILE from OFFSET (by default its start), SIZE of them (by default all to its end),
/// lie at physical ADDRESS. Numbers are decimal, or hexadecimal after `0x`. The memory-backend file
/// of a guest with 2 GiB below the 4 GiB border and the rest above:
///
///     ram.img+0:0x80000000@0   ram.img+0x80000000@0x100000000
///
/// The address is what follows the last `@`, and offset and size what follows the last `+` before
/// it; a name with such an ending of its own is written with the numbers added.
public struct RawMemory: Hashable, Sendable {
  public let path: String
  /// Where in the file the memory begins, in bytes.
  public let offset: UInt64
  /// In bytes; nil for all that the file has.
  public let size: UInt64?
  public let address: PhysicalAddress

  public init(
    path: String, offset: UInt64 = 0, size: UInt64? = nil,
    address: PhysicalAddress = PhysicalAddress(0)
  ) {
    self.path = path
    self.offset = offset
    self.size = size
    self.address = address
  }

  /// What `text` says. Nil if it doesn't end in `@` and a number, so that it may be the name of any
  /// file. Throws `.badRawMemory` for memory of no bytes or beyond the last address.
  public init?(_ text: String) throws(MachineDumpError) {
    guard let at = text.lastIndex(of: "@"),
      let address = Self.number(text[text.index(after: at)...])
    else { return nil }
    var name = text[..<at]
    var place: (offset: UInt64, size: UInt64?) = (0, nil)
    if let plus = name.lastIndex(of: "+"), let found = Self.place(name[name.index(after: plus)...])
    {
      place = found
      name = name[..<plus]
    }
    guard !name.isEmpty else { throw .badRawMemory(text: text, reason: "names no file") }
    if let size = place.size {
      guard size > 0 else { throw .badRawMemory(text: text, reason: "is memory of no bytes") }
      guard !address.addingReportingOverflow(size - 1).overflow,
        !place.offset.addingReportingOverflow(size - 1).overflow
      else { throw .badRawMemory(text: text, reason: "goes beyond the last address") }
    }
    self.init(
      path: String(name), offset: place.offset, size: place.size,
      address: PhysicalAddress(address))
  }

  /// `OFFSET` or `OFFSET:SIZE`.
  private static func place(_ text: Substring) -> (UInt64, UInt64?)? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard let first = parts.first, parts.count <= 2, let offset = number(first) else { return nil }
    guard parts.count == 2 else { return (offset, nil) }
    guard let size = number(parts[1]) else { return nil }
    return (offset, size)
  }

  private static func number(_ text: Substring) -> UInt64? {
    let digits = text.hasPrefix("0x") || text.hasPrefix("0X") ? text.dropFirst(2) : text
    // `UInt64.init` takes a sign too.
    guard let first = digits.first, first.isHexDigit else { return nil }
    return UInt64(digits, radix: digits.count == text.count ? 10 : 16)
  }
}
