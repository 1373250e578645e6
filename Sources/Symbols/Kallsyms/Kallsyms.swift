import Bytes

/// A running kernel's own symbols: `kallsyms`, as /proc/kallsyms lists them for its image.
///
/// The names stay compressed until asked for.
public struct Kallsyms: SymbolTable {
  /// A symbol as the kernel keeps it.
  public struct Entry: Hashable, Sendable {
    public let name: String
    /// Its address; of what is per CPU up to 6.14, and of constants, a small number.
    public let value: UInt64
    /// nm's letter: `T` for a function that others can see, `d` for data of one file, …
    public let letter: Character

    public init(name: String, value: UInt64, letter: Character) {
      self.name = name
      self.value = value
      self.letter = letter
    }
  }

  /// In ascending order.
  private let values: ContiguousArray<UInt64>
  private let names: KallsymsNames
  /// The first symbol whose value is an address: those before are constants and offsets into a
  /// CPU's area.
  private let firstAddress: Int
  private let index = NameIndex()

  /// What lies below is no address of a kernel's.
  private static let lowestAddress: UInt64 = 1 << 63

  /// Throws `.malformed` if a table ends too early, or addresses aren't in order: then they aren't
  /// stored as `tables` says.
  public init(_ tables: KallsymsTables) throws(SymbolError) {
    guard tables.count <= KallsymsTables.countLimit else {
      throw .malformed(
        what: "kallsyms_num_syms", offset: 0, reason: "\(tables.count) symbols are too many")
    }
    do throws(ByteError) {
      values = try tables.addresses.decoded(count: tables.count)
    } catch {
      throw .malformed(what: "kallsyms_offsets", offset: 0, reason: "\(error)")
    }
    if let disorder = Self.firstDisorder(values) {
      throw .malformed(
        what: "kallsyms_offsets", offset: UInt64(disorder) * tables.addresses.entrySize,
        reason: "\(hex(values[disorder])) follows \(hex(values[disorder - 1]))")
    }
    names = try KallsymsNames(tables)
    firstAddress = partition(values.count) { [values] in values[$0] < Self.lowestAddress }
  }

  private static func firstDisorder(_ values: ContiguousArray<UInt64>) -> Int? {
    guard values.count > 1 else { return nil }
    for index in 1..<values.count where values[index] < values[index - 1] { return index }
    return nil
  }

  public var isEmpty: Bool { values.isEmpty }

  /// How many symbols there are, counting those that are no addresses.
  public var count: Int { values.count }

  /// The symbol with that index, which is less than `count`.
  public func entry(_ index: Int) -> Entry {
    let (letter, name) = names.name(index)
    return Entry(
      name: name, value: values[index], letter: Character(UnicodeScalar(letter)))
  }

  // MARK: By address

  /// The symbol that `address` belongs to: the first of those that begin at the greatest address not
  /// above it, which is the one that the kernel itself prints. Nil before the first and at or
  /// beyond the last, which only marks the end of the image.
  public func symbol(at address: UInt64) -> (symbol: ELFSymbol, offset: UInt64)? {
    guard let index = index(at: address) else { return nil }
    let symbol = symbol(index)
    return (symbol, address - symbol.address)
  }

  /// The symbol that `address` belongs to, with nm's letter.
  public func entry(at address: UInt64) -> (entry: Entry, size: UInt64)? {
    index(at: address).map { (entry($0), size($0)) }
  }

  /// The first of the symbols with the greatest value not above `value`, be it an address or not.
  public func lastEntry(notAbove value: UInt64) -> (entry: Entry, size: UInt64)? {
    let after = partition(values.count) { values[$0] <= value }
    guard after > 0 else { return nil }
    let start = values[after - 1]
    let index = partition(values.count) { values[$0] < start }
    return (entry(index), size(index))
  }

  private func index(at address: UInt64) -> Int? {
    guard address >= Self.lowestAddress, let last = values.last, address < last else { return nil }
    let after = partition(values.count) { values[$0] <= address }
    guard after > firstAddress else { return nil }
    let start = values[after - 1]
    return partition(values.count) { values[$0] < start }
  }

  /// As far as the next symbol.
  private func size(_ index: Int) -> UInt64 {
    let value = values[index]
    let next = partition(values.count) { values[$0] <= value }
    guard next < values.count, next != firstAddress else { return 0 }
    return values[next] - value
  }

  // MARK: By name

  /// The symbol of that name: one that other files can see, if there is any.
  public func symbol(named name: String) -> ELFSymbol? {
    let found = symbols(named: name)
    return found.first { $0.binding == .global } ?? found.first
  }

  /// All symbols of that name, in ascending order of their values.
  public func symbols(named name: String) -> [ELFSymbol] {
    indices(named: name).map(symbol)
  }

  /// All symbols of that name with nm's letters, in ascending order of their values.
  public func entries(named name: String) -> [(entry: Entry, size: UInt64)] {
    indices(named: name).map { (entry($0), size($0)) }
  }

  private func indices(named name: String) -> [Int] {
    index.candidates(hash: KallsymsTokens.hash(name)) { names.hashes() }
      .filter { names.name($0).name == name }
  }

  private func symbol(_ index: Int) -> ELFSymbol {
    let (letter, name) = names.name(index)
    return ELFSymbol(
      name: name, address: values[index], size: size(index),
      kind: NMLetter(letter).kind, binding: NMLetter(letter).binding)
  }
}

/// What nm's letter for a symbol tells (binutils, nm(1)).
struct NMLetter {
  private let letter: UInt8

  init(_ letter: UInt8) { self.letter = letter }

  private var lowercase: UInt8 { letter | 0x20 }

  var kind: ELFSymbol.Kind {
    switch lowercase {
    // A weak symbol may be anything; of kernels nearly all are functions.
    case UInt8(ascii: "t"), UInt8(ascii: "w"): .function
    case UInt8(ascii: "b"), UInt8(ascii: "d"), UInt8(ascii: "r"), UInt8(ascii: "v"),
      UInt8(ascii: "g"), UInt8(ascii: "s"):
      .object
    case UInt8(ascii: "i"): .indirectFunction
    default: .untyped
    }
  }

  var binding: ELFSymbol.Binding {
    switch lowercase {
    case UInt8(ascii: "w"), UInt8(ascii: "v"): .weak
    default: letter == lowercase ? .local : .global
    }
  }
}
