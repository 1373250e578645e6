public import Bytes

/// One entry of the dynamic section.
public struct ELFDynamicEntry: Hashable, Sendable {
  public let tag: Int64
  /// A number or an address, as the tag says.
  public let value: UInt64

  public init(tag: Int64, value: UInt64) {
    self.tag = tag
    self.value = value
  }
}

/// What a file tells the dynamic linker (gABI, chapter 5, "Dynamic Section").
///
///      0  d_tag i64   8  d_val or d_ptr u64   … until a DT_NULL (0)
public struct ELFDynamicSection: Sendable {
  /// The entries before DT_NULL.
  public let entries: [ELFDynamicEntry]
  /// The string table (DT_STRTAB), nil if it isn't readable.
  public let strings: ByteView?

  static let neededTag: Int64 = 1
  static let stringTableTag: Int64 = 5
  static let stringTableSizeTag: Int64 = 10
  static let sonameTag: Int64 = 14
  static let debugTag: Int64 = 21

  /// No sound file has more; QEMU has about 70.
  static let entryLimit = 4096
  /// No name in the string table is longer.
  static let nameLimit: UInt64 = 4096

  /// The value of the first entry with `tag`.
  public func value(_ tag: Int64) -> UInt64? { entries.first { $0.tag == tag }?.value }

  /// DT_DEBUG: in a running process, where the dynamic linker keeps its `r_debug`.
  public var debugAddress: VirtualAddress? { value(Self.debugTag).map { VirtualAddress($0) } }

  /// DT_SONAME; nil if there is none or `strings` is missing. Throws if it lies outside `strings`.
  public func soname() throws(ByteError) -> String? {
    guard let strings, let offset = value(Self.sonameTag) else { return nil }
    return try strings.cString(at: offset, limit: Self.nameLimit)
  }

  /// DT_NEEDED, in order; none if `strings` is missing. Throws if one lies outside `strings`.
  public func needed() throws(ByteError) -> [String] {
    guard let strings else { return [] }
    var names: [String] = []
    for entry in entries where entry.tag == Self.neededTag {
      names.append(try strings.cString(at: entry.value, limit: Self.nameLimit))
    }
    return names
  }

  /// Decodes `table`; `strings` gives the string table's bytes from its address and size, or nil if
  /// it isn't readable.
  init(_ table: ByteView, strings: (VirtualAddress, UInt64) -> ByteView?) throws(ByteError) {
    var entries: [ELFDynamicEntry] = []
    var cursor = ByteCursor(table)
    while cursor.remaining >= 16, entries.count < Self.entryLimit {
      let entry = ELFDynamicEntry(tag: try cursor.read(), value: try cursor.read())
      if entry.tag == 0 { break }
      entries.append(entry)
    }
    self.entries = entries
    func first(_ tag: Int64) -> UInt64? { entries.first { $0.tag == tag }?.value }
    guard let address = first(Self.stringTableTag), let size = first(Self.stringTableSizeTag) else {
      self.strings = nil
      return
    }
    self.strings = strings(VirtualAddress(address), size)
  }
}

extension ELFImage {
  /// The dynamic section; nil for static programs, debug files and cores. Throws `.damaged`.
  public func dynamicSection() throws(ObjectError) -> ELFDynamicSection? {
    guard !isDebugFile, let segment = segments.first(where: { $0.type == .dynamic }) else {
      return nil
    }
    let table = try contents(of: segment)
    do throws(ByteError) {
      return try ELFDynamicSection(table) { loadedBytes(at: $0, count: $1) }
    } catch {
      throw .damaged(what: "dynamic section", offset: segment.fileOffset, cause: error)
    }
  }
}
