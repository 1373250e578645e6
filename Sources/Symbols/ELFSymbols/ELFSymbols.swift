import Bytes
public import ObjectFiles

/// The symbols of one module, by address and by name.
public struct ELFSymbols: SymbolTable {
  private let tables: [ELFSymbolTable]
  /// What has a place in memory, by address; of equal addresses the one to prefer comes last.
  private let places: [Place]
  /// Thread-local variables, whose values are no addresses.
  private let threadLocals: [Place]
  private let linkage: [ELFSymbol]
  private let names = NameIndex()
  /// Where the module's sections lie in memory.
  private let sections: [Range<UInt64>]

  /// A symbol without its name, which stays in the file until asked for.
  private struct Place {
    let address: UInt64
    let size: UInt64
    let nameOffset: UInt32
    let table: UInt8
    /// Which of the module's files it is from.
    let image: UInt8
    let kind: ELFSymbol.Kind
    let binding: ELFSymbol.Binding
    /// Kept for old programs only; the name without a version means another symbol.
    let isHiddenVersion: Bool
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
    places = loader.sortedPlaces()
  }

  /// Whether there is any symbol.
  public var isEmpty: Bool { places.isEmpty && linkage.isEmpty }

  // MARK: By address

  /// The symbol that `address` belongs to, and how far beyond its start it is.
  ///
  /// As gdb has it: the nearest one at or before the address; where several begin there, the one
  /// whose name is the last by its bytes, or the one before that if only it is a function of more
  /// than one file. One with a size covers nothing beyond it; a single one without a size gives way
  /// to one before it that covers the address, and reaches no further than its section.
  public func symbol(at address: UInt64) -> (symbol: ELFSymbol, offset: UInt64)? {
    if let entry = linkageEntry(at: address) { return (entry, address - entry.address) }
    var index = upperBound(address) - 1
    guard index >= 0 else { return nil }
    if index > 0, isLocalAlias(index, of: index - 1) { index -= 1 }
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

  /// The symbol `index` is of one file only, and the one before it a function of the whole program
  /// at the same place.
  private func isLocalAlias(_ index: Int, of other: Int) -> Bool {
    places[index].binding == .local && places[other].binding != .local
      && places[other].kind == .function && places[other].image == places[index].image
      && places[other].address == places[index].address && places[other].size == places[index].size
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

  /// The symbol called `name`: of several versions the default one, a global one rather than a weak,
  /// a weak rather than a local.
  public func symbol(named name: String) -> ELFSymbol? {
    let wanted = Array(name.utf8)
    var best: (place: Place, rank: Int)?
    for place in places(named: name) {
      let rank = rank(place, wanted)
      if rank > best?.rank ?? -1 { best = (place, rank) }
    }
    if let best { return symbol(best.place) }
    return linkage.first { $0.name == name }
  }

  /// All symbols called `name`: static functions of several files may share one.
  public func symbols(named name: String) -> [ELFSymbol] {
    places(named: name).map(symbol)
  }

  private func places(named name: String) -> [Place] {
    let wanted = Array(name.utf8)
    let candidates = names.candidates(for: wanted, count: places.count + threadLocals.count) {
      let place = place($0)
      return tables[Int(place.table)].strings.clampedSubview(
        at: UInt64(place.nameOffset), count: .max)
    }
    return candidates.map(place).filter { isNamed($0, wanted) }
  }

  /// `places`, and the thread-local ones after them.
  private func place(_ position: Int) -> Place {
    position < places.count ? places[position] : threadLocals[position - places.count]
  }

  private func rank(_ place: Place, _ wanted: [UInt8]) -> Int {
    let binding =
      switch place.binding {
      case .global: 2
      case .weak: 1
      case .local: 0
      }
    return isOldVersion(place, wanted) ? binding : binding + 3
  }

  /// Whether the symbol, whose name is `wanted`, is marked as superseded: by `.gnu.version`, or in
  /// `.symtab` by `name@VERSION` where the default has `name@@VERSION`.
  private func isOldVersion(_ place: Place, _ wanted: [UInt8]) -> Bool {
    if place.isHiddenVersion { return true }
    let rest = tables[Int(place.table)].strings.clampedSubview(
      at: UInt64(place.nameOffset) + UInt64(wanted.count), count: 2
    ).bytes
    let at = UInt8(ascii: "@")
    return rest.byteCount == 2 && rest[0] == at && rest[1] != at
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
    private var images: UInt8 = 0

    /// By address, and then in the order that `symbol(at:)` prefers them in.
    ///
    /// Sixty thousand are common, so only addresses are compared at first, eight bytes each with the
    /// position in the low bits; the few that are equal are put in order afterwards.
    func sortedPlaces() -> [Place] {
      let lowest = places.lazy.map(\.address).min() ?? 0
      let extent = (places.lazy.map(\.address).max() ?? 0) - lowest
      let bits = UInt64(UInt64.bitWidth - places.count.leadingZeroBitCount)
      let order: [Int]
      if extent <= UInt64.max >> bits {
        let keys = places.indices.map { (places[$0].address - lowest) << bits | UInt64($0) }
        order = keys.sorted().map { Int($0 & ((1 << bits) - 1)) }
      } else {
        order = places.indices.sorted { (places[$0].address, $0) < (places[$1].address, $1) }
      }
      var sorted = order.map { places[$0] }
      var start = 0
      while start < sorted.count {
        var end = start + 1
        while end < sorted.count, sorted[end].address == sorted[start].address { end += 1 }
        if end - start > 1 {
          sorted[start..<end].sort { first, second in
            if first.image != second.image { return first.image < second.image }
            return isName(of: first, before: second)
          }
        }
        start = end
      }
      return sorted
    }

    /// Compares the names as `strcmp` does, as far as 256 bytes.
    private func isName(of first: Place, before second: Place) -> Bool {
      let (one, other) = (name(of: first), name(of: second))
      let (left, right) = (one.bytes, other.bytes)
      for index in 0..<min(left.byteCount, right.byteCount) {
        if left[index] != right[index] { return left[index] < right[index] }
        if left[index] == 0 { return false }
      }
      return left.byteCount < right.byteCount
    }

    private func name(of place: Place) -> ByteView {
      tables[Int(place.table)].strings.clampedSubview(at: UInt64(place.nameOffset), count: 256)
    }

    mutating func add(_ image: ELFImage) {
      defer { images += 1 }
      if sections.isEmpty { sections = Self.loadedSections(of: image) }
      do throws(ObjectError) {
        if let table = try image.symbolTable() { add(table, of: image, versions: nil) }
        if !hasDynamicTable, let table = try image.dynamicSymbolTable(), table.symbols.count > 0 {
          hasDynamicTable = true
          add(table, of: image, versions: try versions(of: image))
        }
        if linkage.isEmpty { linkage = try LinkageTable(image).symbols() }
      } catch {
        problem = .malformed(what: "symbol table", offset: 0, reason: "\(error)")
      }
    }

    /// `.gnu.version`: two bytes for each symbol of `.dynsym` (LSB, "Symbol Version Table").
    private func versions(of image: ELFImage) throws(ObjectError) -> ByteView? {
      guard let section = image.section(named: ".gnu.version"), section.type != .noBits else {
        return nil
      }
      return try image.contents(of: section)
    }

    /// Bit 15 of the entry: the version isn't the one that new programs get.
    private func isHidden(_ index: Int, in versions: ByteView?) -> Bool {
      guard let versions else { return false }
      do throws(ByteError) {
        return try versions.load(UInt16.self, at: UInt64(index) * 2) & 0x8000 != 0
      } catch {
        // A table that ends too early says nothing about the rest.
        return false
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

    private mutating func add(
      _ table: ELFSymbolTable, of image: ELFImage, versions: ByteView?
    ) {
      guard tables.count < Int(UInt8.max) else { return }
      let number = UInt8(tables.count)
      tables.append(table)
      places.reserveCapacity(places.count + table.count)
      for (index, symbol) in table.enumerated() where isUsable(symbol, in: table, of: image) {
        let place = Place(
          address: symbol.value.rawValue, size: symbol.size, nameOffset: symbol.nameOffset,
          table: number, image: images, kind: kind(of: symbol), binding: binding(of: symbol),
          isHiddenVersion: isHidden(index, in: versions))
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
