public import Bytes

/// One symbol, as stored.
///
///      0  st_name u32   4  st_info u8 (binding << 4 | type)   5  st_other u8   6  st_shndx u16
///      8  st_value u64  16  st_size u64
///
/// Source: System V gABI, chapter 4, "Symbol Table".
public struct ELFSymbol: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    case none, object, function, section, file, common, threadLocal
    /// `STT_GNU_IFUNC`: a function that chooses the function to call.
    case indirectFunction
    case other(UInt8)
  }

  public enum Binding: Hashable, Sendable {
    case local, global, weak, unique
    case other(UInt8)
  }

  static let size: UInt64 = 24

  /// Where the name lies in the string table.
  public let nameOffset: UInt32
  public let kind: Kind
  public let binding: Binding
  /// `STV_`: 0 default, 1 internal, 2 hidden, 3 protected.
  public let visibility: UInt8
  /// 0 for symbols that are defined elsewhere; from 0xff00 special (0xfff1: absolute).
  public let sectionIndex: UInt16
  /// In executables and libraries, the address before any bias.
  public let value: VirtualAddress
  public let size: UInt64

  /// Whether another file defines it.
  public var isUndefined: Bool { sectionIndex == 0 }

  init(_ cursor: inout ByteCursor) throws(ByteError) {
    nameOffset = try cursor.read()
    let info = try cursor.read(UInt8.self)
    kind =
      switch info & 0xf {
      case 0: .none
      case 1: .object
      case 2: .function
      case 3: .section
      case 4: .file
      case 5: .common
      case 6: .threadLocal
      case 10: .indirectFunction
      case let other: .other(other)
      }
    binding =
      switch info >> 4 {
      case 0: .local
      case 1: .global
      case 2: .weak
      case 10: .unique
      case let other: .other(other)
      }
    visibility = try cursor.read(UInt8.self) & 3
    sectionIndex = try cursor.read()
    value = VirtualAddress(try cursor.read(UInt64.self))
    size = try cursor.read()
  }
}

/// A symbol table with its strings. Nothing is decoded until it is iterated over.
public struct ELFSymbolTable: Sequence, Sendable {
  /// The stored symbols.
  public let symbols: ByteView
  /// The stored names.
  public let strings: ByteView

  /// How many symbols there are, the first, empty one included.
  public var count: Int { symbols.count / Int(ELFSymbol.size) }

  /// The name of `symbol`, which must come from this table; bytes that are no UTF-8 become U+FFFD.
  /// Throws if it lies outside the strings.
  public func name(of symbol: ELFSymbol) throws(ByteError) -> String {
    try strings.cString(at: UInt64(symbol.nameOffset), limit: 1 << 20)
  }

  public struct Iterator: IteratorProtocol {
    private var cursor: ByteCursor

    init(_ symbols: ByteView) { cursor = ByteCursor(symbols) }

    public mutating func next() -> ELFSymbol? {
      guard cursor.remaining >= ELFSymbol.size else { return nil }
      do throws(ByteError) {
        return try ELFSymbol(&cursor)
      } catch {
        return nil  // Can't happen: the bytes of a whole symbol remain.
      }
    }
  }

  public func makeIterator() -> Iterator { Iterator(symbols) }

  public var underestimatedCount: Int { count }
}

extension ELFImage {
  /// `.symtab`: every symbol the linker knew; nil if it was stripped. Throws `.damaged`.
  public func symbolTable() throws(ObjectError) -> ELFSymbolTable? {
    try symbolTable(.symbolTable)
  }

  /// `.dynsym`: the symbols other files may use; nil if there are none. Throws `.damaged`.
  public func dynamicSymbolTable() throws(ObjectError) -> ELFSymbolTable? {
    try symbolTable(.dynamicSymbols)
  }

  private func symbolTable(_ type: ELFSectionType) throws(ObjectError) -> ELFSymbolTable? {
    guard let section = sections.first(where: { $0.type == type }) else { return nil }
    guard section.link < sections.count else {
      throw .invalid(
        what: "string table's index of \(section.name)", offset: section.fileOffset,
        value: UInt64(section.link))
    }
    return ELFSymbolTable(
      symbols: try contents(of: section), strings: try contents(of: sections[Int(section.link)]))
  }
}
