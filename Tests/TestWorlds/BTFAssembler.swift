public import Bytes

/// BTF data made entry by entry (include/uapi/linux/btf.h).
public struct BTFAssembler: Sendable {
  public private(set) var types = ByteAssembler()
  public private(set) var strings: [UInt8]
  /// How long the kernel's own strings are, if this is a module's BTF.
  private let stringBase: Int
  private var nextID: UInt32

  /// - Parameter base: the kernel's, which this continues.
  public init(continuing base: BTFAssembler? = nil) {
    stringBase = base.map { $0.stringBase + $0.strings.count } ?? 0
    strings = base == nil ? [0] : []
    nextID = base?.nextID ?? 1
  }

  /// The offset of `string`, which is added.
  public mutating func string(_ string: String) -> UInt32 {
    guard !string.isEmpty else { return 0 }
    let offset = stringBase + strings.count
    strings += Array(string.utf8) + [0]
    return UInt32(offset)
  }

  /// Adds an entry; gives its number.
  @discardableResult
  public mutating func add(
    _ kind: UInt32, _ name: String = "", count: UInt32 = 0, flag: Bool = false,
    _ sizeOrType: UInt32 = 0, words: [UInt32] = []
  ) -> UInt32 {
    add(kind, raw: string(name), count: count, flag: flag, sizeOrType, words: words)
  }

  /// Likewise, with a name that is already among the strings, or outside.
  @discardableResult
  public mutating func add(
    _ kind: UInt32, raw name: UInt32, count: UInt32 = 0, flag: Bool = false,
    _ sizeOrType: UInt32 = 0, words: [UInt32] = []
  ) -> UInt32 {
    types.number(name)
    types.number((flag ? 1 << 31 : 0) | kind << 24 | count)
    types.number(sizeOrType)
    for word in words { types.number(word) }
    nextID += 1
    return nextID - 1
  }

  @discardableResult
  public mutating func integer(
    _ name: String, size: UInt32, encoding: UInt32 = 0, bits: UInt32? = nil
  ) -> UInt32 {
    add(1, name, size, words: [encoding << 24 | (bits ?? size * 8)])
  }

  @discardableResult
  public mutating func pointer(to type: UInt32) -> UInt32 { add(2, "", type) }

  @discardableResult
  public mutating func array(of type: UInt32, count: UInt32) -> UInt32 {
    add(3, words: [type, 1, count])
  }

  /// A structure, or a union, with members of names, types and offsets in bits (and sizes of bit
  /// fields).
  @discardableResult
  public mutating func record(
    _ name: String, size: UInt32, isUnion: Bool = false,
    _ members: [(name: String, type: UInt32, offset: UInt32)], flag: Bool = false
  ) -> UInt32 {
    let words = members.flatMap { [string($0.name), $0.type, $0.offset] }
    return add(
      isUnion ? 5 : 4, name, count: UInt32(members.count), flag: flag, size, words: words)
  }

  @discardableResult
  public mutating func typedef(_ name: String, of type: UInt32) -> UInt32 { add(8, name, type) }

  /// The whole data, header included.
  public var bytes: [UInt8] {
    var header = ByteAssembler()
    header.number(UInt16(0xeb9f))
    header.u8(1)
    header.u8(0)
    header.number(UInt32(24))
    header.number(UInt32(0))
    header.number(UInt32(types.count))
    header.number(UInt32(types.count))
    header.number(UInt32(strings.count))
    return header.bytes + types.bytes + strings
  }

  public var view: ByteView { ByteView(copying: bytes) }
}
