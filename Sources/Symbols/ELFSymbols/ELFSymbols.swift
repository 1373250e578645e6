import Bytes
public import ObjectFiles

/// The symbols of one module, by address and by name.
public struct ELFSymbols: Sendable {
  private let tables: [ELFSymbolTable]
  /// What has a place in memory, by address; of equal addresses the one to prefer comes last.
  private let places: [Place]
  /// Thread-local variables, whose values are no addresses.
  private let threadLocals: [Place]
  private let linkage: [ELFSymbol]
  /// Where the module's sections lie in memory.
  private let sections: [Range<UInt64>]

  /// A symbol without its name, which stays in the file until asked for.
  private struct Place {
    let address: UInt64
    let size: UInt64
    let nameOffset: UInt32
    let table: UInt8
    let kind: ELFSymbol.Kind
    let binding: ELFSymbol.Binding
  }

  /// Reads the symbols of a module.
  ///
  /// - Parameter images: the module's files, best first: the separate debug file, the module itself,
  ///   the unpacked `.gnu_debugdata`. Their `.symtab`s and `.dynsym`s are put together.
  /// - Throws: `.malformed` if no table at all can be read although there is one.
  public init(images: [ELFImage]) throws(SymbolError) {
    var loader = Loader()
    for image in images { loader.add(image) }
    if loader.tables.isEmpty, let problem = loader.problem { throw problem }
    tables = loader.tables
    linkage = loader.linkage.sorted { $0.address < $1.address }
    threadLocals = loader.threadLocals
    sections = loader.sections
    places = loader.places.enumerated().sorted {
      ($0.element.address, $0.offset) < ($1.element.address, $1.offset)
    }.map(\.element)
  }

  /// Whether there is any symbol.
  public var isEmpty: Bool { places.isEmpty && linkage.isEmpty }

  // MARK: By address

  /// The symbol that `address` belongs to, and how far beyond its start it is.
  ///
  /// As gdb has it: the nearest one at or before the address, the last in the table where several
  /// begin there (tables list local symbols first). One with a size covers nothing beyond it; a
  /// single one without a size gives way to one before it that covers the address, and reaches no
  /// further than its section.
  public func symbol(at address: UInt64) -> (symbol: ELFSymbol, offset: UInt64)? {
    if let entry = linkageEntry(at: address) { return (entry, address - entry.address) }
    var index = upperBound(address) - 1
    guard index >= 0 else { return nil }
    var unsized: Place?
    if places[index].size == 0 {
      unsized = places[index]
      index -= 1
    }
    // A symbol that ends too early may lie within a longer one.
    while index > 0, places[index].size != 0, !covers(index, address), covers(index - 1, address) {
      index -= 1
    }
    if index >= 0, covers(index, address) {
      return (symbol(places[index]), address - places[index].address)
    }
    guard let unsized, isInOneSection(unsized.address, address) else { return nil }
    return (symbol(unsized), address - unsized.address)
  }

  private func isInOneSection(_ first: UInt64, _ second: UInt64) -> Bool {
    guard let section = sections.first(where: { $0.contains(first) }) else { return true }
    return section.contains(second)
  }

  private func covers(_ index: Int, _ address: UInt64) -> Bool {
    address - places[index].address < places[index].size
  }

  /// How many symbols begin at or before `address`.
  private func upperBound(_ address: UInt64) -> Int {
    var low = 0
    var high = places.count
    while low < high {
      let middle = (low + high) / 2
      if places[middle].address <= address { low = middle + 1 } else { high = middle }
    }
    return low
  }

  private func linkageEntry(at address: UInt64) -> ELFSymbol? {
    var low = 0
    var high = linkage.count
    while low < high {
      let middle = (low + high) / 2
      if linkage[middle].address <= address { low = middle + 1 } else { high = middle }
    }
    guard low > 0, address - linkage[low - 1].address < linkage[low - 1].size else { return nil }
    return linkage[low - 1]
  }

  // MARK: By name

  /// The symbol called `name`: a global one rather than a weak, a weak rather than a local.
  public func symbol(named name: String) -> ELFSymbol? {
    let wanted = Array(name.utf8)
    var best: Place?
    for place in places where rank(place) > (best.map(rank) ?? -1) {
      if isNamed(place, wanted) { best = place }
    }
    for place in threadLocals where rank(place) > (best.map(rank) ?? -1) {
      if isNamed(place, wanted) { best = place }
    }
    if let best { return symbol(best) }
    return linkage.first { $0.name == name }
  }

  /// All symbols called `name`: static functions of several files may share one.
  public func symbols(named name: String) -> [ELFSymbol] {
    let wanted = Array(name.utf8)
    return (places + threadLocals).filter { isNamed($0, wanted) }.map(symbol)
  }

  private func rank(_ place: Place) -> Int {
    switch place.binding {
    case .global: 2
    case .weak: 1
    case .local: 0
    }
  }

  /// Whether the stored name, up to its version, is `wanted`.
  private func isNamed(_ place: Place, _ wanted: [UInt8]) -> Bool {
    let stored = tables[Int(place.table)].strings.clampedSubview(
      at: UInt64(place.nameOffset), count: UInt64(wanted.count) + 1
    ).bytes
    guard stored.byteCount == wanted.count + 1 else { return false }
    let end = stored[wanted.count]
    guard end == 0 || end == UInt8(ascii: "@") else { return false }
    for index in wanted.indices where stored[index] != wanted[index] { return false }
    return true
  }

  private func symbol(_ place: Place) -> ELFSymbol {
    let strings = tables[Int(place.table)].strings
    let stored: String
    do throws(ByteError) {
      stored = try strings.cString(at: UInt64(place.nameOffset), limit: 1 << 20)
    } catch {
      // `Loader` took only symbols whose names begin inside the strings; an endless one is cut.
      stored = String(
        decoding: strings.clampedSubview(at: UInt64(place.nameOffset), count: 256))
    }
    let name = stored.prefix { $0 != "@" }
    return ELFSymbol(
      name: name.isEmpty ? stored : String(name), address: place.address, size: place.size,
      kind: place.kind, binding: place.binding)
  }

  // MARK: Loading

  /// Puts the tables of several images together.
  private struct Loader {
    var tables: [ELFSymbolTable] = []
    var places: [Place] = []
    var threadLocals: [Place] = []
    var linkage: [ELFSymbol] = []
    var sections: [Range<UInt64>] = []
    var problem: SymbolError?
    private var hasDynamicTable = false

    mutating func add(_ image: ELFImage) {
      if sections.isEmpty { sections = Self.loadedSections(of: image) }
      do throws(ObjectError) {
        if let table = try image.symbolTable() { add(table, of: image) }
        if !hasDynamicTable, let table = try image.dynamicSymbolTable(), table.symbols.count > 0 {
          hasDynamicTable = true
          add(table, of: image)
        }
        if linkage.isEmpty { linkage = try LinkageTable(image).symbols() }
      } catch {
        problem = .malformed(what: "symbol table", offset: 0, reason: "\(error)")
      }
    }

    private static func loadedSections(of image: ELFImage) -> [Range<UInt64>] {
      image.sections.compactMap { section in
        guard section.flags.contains(.allocated), section.size > 0,
          let end = section.address.advanced(by: section.size)
        else { return nil }
        return section.address.rawValue..<end.rawValue
      }
    }

    private mutating func add(_ table: ELFSymbolTable, of image: ELFImage) {
      guard tables.count < Int(UInt8.max) else { return }
      let number = UInt8(tables.count)
      tables.append(table)
      places.reserveCapacity(places.count + table.count)
      for symbol in table where isUsable(symbol, in: table, of: image) {
        let place = Place(
          address: symbol.value.rawValue, size: symbol.size, nameOffset: symbol.nameOffset,
          table: number, kind: kind(of: symbol), binding: binding(of: symbol))
        if symbol.kind == .threadLocal {
          threadLocals.append(place)
        } else {
          places.append(place)
        }
      }
    }

    /// Leaves out what names no place: other files' symbols, sections, constants, and the labels
    /// that assemblers make up.
    private func isUsable(
      _ symbol: ObjectFiles.ELFSymbol, in table: ELFSymbolTable, of image: ELFImage
    ) -> Bool {
      guard !symbol.isUndefined, Int(symbol.nameOffset) < table.strings.count else { return false }
      switch symbol.kind {
      case .section, .file, .common, .other: return false
      case .threadLocal: return true
      case .none, .object, .function, .indirectFunction: break
      }
      // Special section indexes (SHN_ABS and the like) stand for no section.
      guard symbol.sectionIndex < 0xff00 || symbol.sectionIndex == 0xffff else { return false }
      let start = table.strings.clampedSubview(at: UInt64(symbol.nameOffset), count: 2).bytes
      guard start.byteCount == 2, start[0] != 0 else { return false }
      let isLabel =
        (start[0] == UInt8(ascii: ".") || start[0] == UInt8(ascii: "$"))
        && start[1] == UInt8(ascii: "L")
      return !isLabel
    }

    private func kind(of symbol: ObjectFiles.ELFSymbol) -> ELFSymbol.Kind {
      switch symbol.kind {
      case .function: .function
      case .object: .object
      case .threadLocal: .threadLocal
      case .indirectFunction: .indirectFunction
      case .none, .section, .file, .common, .other: .untyped
      }
    }

    private func binding(of symbol: ObjectFiles.ELFSymbol) -> ELFSymbol.Binding {
      switch symbol.binding {
      case .local, .other: .local
      case .global, .unique: .global
      case .weak: .weak
      }
    }
  }
}
