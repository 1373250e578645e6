public import Bytes

/// The sections of a 64-bit little-endian ELF file, read just well enough for tests that must not
/// depend on the room that reads ELF in earnest.
public struct ELFSections: Sendable {
  public struct Section: Sendable {
    public let name: String
    public let address: VirtualAddress
    public let bytes: ByteView
  }
  public let sections: [Section]

  public init(_ file: ByteView) throws(ByteError) {
    let tableOffset: UInt64 = try file.load(at: 0x28)
    let entrySize = UInt64(try file.load(UInt16.self, at: 0x3a))
    let count = UInt64(try file.load(UInt16.self, at: 0x3c))
    let namesIndex = UInt64(try file.load(UInt16.self, at: 0x3e))
    let namesOffset: UInt64 = try file.load(at: tableOffset + namesIndex * entrySize + 0x18)
    var sections: [Section] = []
    for index in 0..<count {
      let entry = tableOffset + index * entrySize
      let name = UInt64(try file.load(UInt32.self, at: entry))
      let type: UInt32 = try file.load(at: entry + 4)
      let offset: UInt64 = try file.load(at: entry + 0x18)
      // SHT_NOBITS has a size but no bytes.
      let size: UInt64 = type == 8 ? 0 : try file.load(at: entry + 0x20)
      sections.append(
        Section(
          name: try file.cString(at: namesOffset + name),
          address: VirtualAddress(try file.load(at: entry + 0x10)),
          bytes: try file.subview(at: offset, count: size)))
    }
    self.sections = sections
  }

  public subscript(name: String) -> Section? { sections.first { $0.name == name } }
}
