internal import Bytes
public import Symbols
internal import Synchronization
internal import Targets

/// A module's own symbols, as the kernel keeps them: an ELF symbol table in its memory, of which
/// nothing is read before it is asked for.
public final class KernelModuleSymbols: SymbolTable {
  private let source: ModuleSymbolSource?
  private let memory: VirtualMemory
  private let state = Mutex<[Place]?>(nil)

  /// A symbol without its name.
  private struct Place {
    let address: UInt64
    let size: UInt64
    let name: UInt32
    let info: UInt8
    let letter: UInt8
  }

  /// Nil for `source` is a module without symbols.
  init(_ source: ModuleSymbolSource?, in memory: VirtualMemory) {
    self.source = source
    self.memory = memory
  }

  /// In ascending order of their addresses; of equal ones in the table's order.
  private var places: [Place] {
    state.withLock { state in
      if let state { return state }
      let read = readPlaces()
      state = read
      return read
    }
  }

  /// More than any module has.
  static let limit: UInt64 = 1 << 20

  private static let entrySize: UInt64 = 24

  /// `Elf64_Sym` (System V gABI, chapter 4, "Symbol Table"):
  ///
  ///     0        4        5         6         8         16
  ///     st_name  st_info  st_other  st_shndx  st_value  st_size
  private func readPlaces() -> [Place] {
    guard let source else { return [] }
    let count = min(source.count, Self.limit)
    do {
      let table = try memory.read(source.symbols, count: count * Self.entrySize)
      let letters = try source.letters.map { try memory.read($0, count: count) }
      var places: [Place] = []
      for index in 0..<count {
        let start = index * Self.entrySize
        let name: UInt32 = try table.load(at: start)
        let section: UInt16 = try table.load(at: start + 6)
        guard name != 0, section != 0 else { continue }
        places.append(
          Place(
            address: try table.load(at: start + 8), size: try table.load(at: start + 16),
            name: name, info: try table.load(at: start + 4),
            letter: try letters?.load(UInt8.self, at: index) ?? UInt8(ascii: "?")))
      }
      let order = places.indices.sorted {
        (places[$0].address, $0) < (places[$1].address, $1)
      }
      return order.map { places[$0] }
    } catch {
      // The module's memory isn't all there: it has no names then.
      return []
    }
  }

  public var isEmpty: Bool { places.isEmpty }

  /// How many there are.
  public var count: Int { places.count }

  /// The symbol that `address` belongs to: the first of those with the greatest address not above
  /// it. A symbol without a size reaches as far as the next.
  public func symbol(at address: UInt64) -> (symbol: ELFSymbol, offset: UInt64)? {
    entry(at: address).map { (Self.symbol($0.entry, $0.info, $0.size), address - $0.entry.value) }
  }

  /// The symbol that `address` belongs to, with nm's letter.
  func entry(
    at address: UInt64
  ) -> (entry: Kallsyms.Entry, info: UInt8, size: UInt64)? {
    let places = places
    let after = partition(places.count) { places[$0].address <= address }
    guard after > 0 else { return nil }
    let start = places[after - 1].address
    let first = partition(places.count) { places[$0].address < start }
    // Names of sections and files have no size; a function at the same place comes before them.
    let index = (first..<after).first { places[$0].size > 0 } ?? first
    let place = places[index]
    var size = place.size
    if size == 0 { size = after < places.count ? places[after].address - start : 0 }
    guard size == 0 || address - start < size else { return nil }
    return (entry(place), place.info, size)
  }

  public func symbol(named name: String) -> ELFSymbol? {
    let found = symbols(named: name)
    return found.first { $0.binding == .global } ?? found.first
  }

  public func symbols(named name: String) -> [ELFSymbol] {
    entries(named: name).map { Self.symbol($0.entry, $0.info, $0.size) }
  }

  func entries(
    named name: String
  ) -> [(entry: Kallsyms.Entry, info: UInt8, size: UInt64)] {
    let wanted = Array(name.utf8)
    return places.filter { text($0) == wanted }.map { (entry($0), $0.info, $0.size) }
  }

  private func text(_ place: Place) -> [UInt8] {
    guard let source else { return [] }
    do throws(MemoryFault) {
      return try memory.cString(at: source.strings &+ UInt64(place.name), limit: 512).bytes
    } catch {
      return []
    }
  }

  /// The kernel keeps the letters in lower case (kernel/module/kallsyms.c, `elf_type`), nm has those
  /// of symbols that other files can see in upper case.
  private func entry(_ place: Place) -> Kallsyms.Entry {
    let letter = Unicode.Scalar(place.letter)
    let isGlobal = place.info >> 4 == 1 && letter.properties.isLowercase
    return Kallsyms.Entry(
      name: String(decoding: text(place), as: UTF8.self), value: place.address,
      letter: Character(isGlobal ? Unicode.Scalar(place.letter & ~0x20) : letter))
  }

  /// `st_info`: binding in the upper half, type in the lower.
  private static func symbol(_ entry: Kallsyms.Entry, _ info: UInt8, _ size: UInt64) -> ELFSymbol {
    let kind: ELFSymbol.Kind =
      switch info & 15 {
      case 1: .object
      case 2: .function
      default: .untyped
      }
    let binding: ELFSymbol.Binding =
      switch info >> 4 {
      case 1: .global
      case 2: .weak
      default: .local
      }
    return ELFSymbol(
      name: entry.name, address: entry.value, size: size, kind: kind, binding: binding)
  }
}

/// Where a module's symbols are (`struct mod_kallsyms`).
struct ModuleSymbolSource: Sendable {
  let symbols: VirtualAddress
  let count: UInt64
  let strings: VirtualAddress
  /// nm's letters, a byte each.
  let letters: VirtualAddress?
}
