import Bytes
import CElfutils

/// The state of one `DebugInformation`: everything that its lock guards.
final class Session {
  let library: LibDW
  let name: String
  private let lineSections: LineSections?
  private(set) var diagnostics: [String] = []

  private var units: [UInt64: Unit] = [:]
  /// What `.debug_aranges` covers.
  private var addresses: AddressIndex?
  /// The ranges of the units that `.debug_aranges` doesn't mention.
  private var otherAddresses: AddressIndex?
  /// Decoded types.
  var types: [TypeID: TypeNode] = [:]
  /// What was looked up by name, so that a name that isn't there is searched for once.
  var lookups: [LookupKey: EntryID?] = [:]

  init(image: ByteView, alternate: ByteView?, name: String) throws(SymbolError) {
    self.name = name
    let supplement: LibDW?
    if let alternate {
      supplement = try LibDW(image: alternate, alternate: nil, name: name + " (alternate)")
    } else {
      supplement = nil
    }
    library = try LibDW(image: image, alternate: supplement, name: name)
    if let line = try library.section(".debug_line") {
      lineSections = LineSections(
        line: line, lineStrings: try library.section(".debug_line_str"),
        strings: try library.section(".debug_str"))
    } else {
      lineSections = nil
    }
    if supplement == nil, try library.section(".gnu_debugaltlink") != nil {
      note("its common parts are in an alternate file (.gnu_debugaltlink) that isn't at hand")
    }
  }

  /// Keeps a remark for the analyst.
  func note(_ text: String) {
    let line = "\(name): \(text)"
    if !diagnostics.contains(line) { diagnostics.append(line) }
  }

  // MARK: Units

  /// The unit that stands at `offset` of `.debug_info`.
  func unit(at offset: UInt64) throws(SymbolError) -> Unit {
    if let known = units[offset] { return known }
    return try remember(try library.unit(at: offset))
  }

  /// The unit that `header` begins.
  func unit(_ header: UnitHeader) throws(SymbolError) -> Unit {
    if let known = units[header.root.unitOffset] { return known }
    return try remember(header)
  }

  private func remember(_ header: UnitHeader) throws(SymbolError) -> Unit {
    let unit = try Unit(header)
    if let path = unit.missingSplitFile {
      note("the split debug file \(path) of \(unit.name ?? "a unit") isn't at hand")
    }
    units[unit.offset] = unit
    return unit
  }

  /// The unit that an entry belongs to. Entries of type units and of the alternate file belong to
  /// units that aren't known by address; those get a `Unit` of their own.
  func unit(of entry: Entry) throws(SymbolError) -> Unit? {
    guard let root = entry.unitRoot else { return nil }
    let id = root.id
    if let known = rootUnits[id] { return known }
    let unit: Unit
    switch id.rawValue >> 62 {
    case 0: unit = try self.unit(at: root.unitOffset)
    case 3:
      // A split unit seen from inside: it was reached through its skeleton.
      if let known = units.values.first(where: { $0.root.id == id }) {
        unit = known
      } else {
        unit = try Unit(UnitHeader(root: root, version: 5, type: 0))
      }
    default: unit = try Unit(UnitHeader(root: root, version: 5, type: 0))
    }
    rootUnits[id] = unit
    return unit
  }

  private var rootUnits: [EntryID: Unit] = [:]

  /// The unit whose code covers `address`.
  func unit(covering address: UInt64) throws(SymbolError) -> Unit? {
    let index = try loadAddresses()
    if let offset = index.unit(at: address) { return try unit(at: offset) }
    if let offset = try loadOtherAddresses().unit(at: address) { return try unit(at: offset) }
    return nil
  }

  private func loadAddresses() throws(SymbolError) -> AddressIndex {
    if let addresses { return addresses }
    var index = AddressIndex()
    if let section = try library.section(".debug_aranges") {
      do throws(ByteError) {
        try index.add(aranges: section)
      } catch {
        // What was read before the damage is good; the rest is found by the units' own ranges.
        note(".debug_aranges is damaged: \(error)")
      }
    }
    index.sort()
    addresses = index
    return index
  }

  private func loadOtherAddresses() throws(SymbolError) -> AddressIndex {
    if let otherAddresses { return otherAddresses }
    let known = try loadAddresses().units
    var index = AddressIndex()
    do throws(SymbolError) {
      try library.forEachUnit { header throws(SymbolError) in
        guard Unit.holdsCode(header), !known.contains(header.root.unitOffset) else { return true }
        do throws(SymbolError) {
          let unit = try self.unit(header)
          for range in try Self.codeRanges(of: unit) { index.add(range, unit: unit.offset) }
        } catch {
          note(error.description)
        }
        return true
      }
    } catch {
      note(error.description)
    }
    index.sort()
    otherAddresses = index
    return index
  }

  /// The ranges recorded for a unit or, if it has none, those of its functions.
  private static func codeRanges(of unit: Unit) throws(SymbolError) -> [Range<UInt64>] {
    let ranges = try unit.skeleton.ranges()
    if !ranges.isEmpty || unit.root.id == unit.skeleton.id { return ranges }
    return try unit.root.ranges()
  }

  // MARK: Lines

  /// The unit's line table; nil if it has none or it is damaged, which is noted.
  func lineTable(of unit: Unit) -> LineTable? {
    if let known = unit.lineTable { return known }
    var table: LineTable?
    do throws(SymbolError) {
      table = try readLineTable(of: unit)
    } catch {
      note(error.description)
    }
    unit.lineTable = .some(table)
    return table
  }

  private func readLineTable(of unit: Unit) throws(SymbolError) -> LineTable? {
    guard let lineSections, let offset = try unit.skeleton.unsigned(DW_AT_stmt_list) else {
      return nil
    }
    // A unit that consists of ranges has 0 as its low_pc; their lowest start is what counts.
    let lowPC = try Self.codeRanges(of: unit).map(\.lowerBound).min() ?? 0
    return try LineTable(
      sections: lineSections, offset: offset, unitName: unit.name, directory: unit.directory,
      lowPC: lowPC)
  }

  /// The line of `address` in `unit`.
  func location(at address: UInt64, in unit: Unit) -> SourceLocation? {
    guard let table = lineTable(of: unit), let row = table.row(at: address) else { return nil }
    return SourceLocation(
      file: table.files.names[Int(row.file)], directory: unit.directory, line: row.line,
      column: UInt32(row.column))
  }

  /// See `DebugInformation.location(at:)`.
  func location(at address: UInt64) throws(SymbolError) -> SourceLocation? {
    try unit(covering: address).flatMap { location(at: address, in: $0) }
  }

  /// See `DebugInformation.isLineStart(_:)`.
  func isLineStart(_ address: UInt64) throws(SymbolError) -> Bool {
    guard let unit = try unit(covering: address), let table = lineTable(of: unit) else {
      return false
    }
    guard let row = table.row(at: address) else { return false }
    return row.address == address && row.isStatement
  }

  /// The name of the file that an attribute such as `DW_AT_call_file` numbers.
  func fileName(_ number: UInt64, in unit: Unit) -> String? {
    guard let table = lineTable(of: unit), let index = table.files.index(ofNumber: number) else {
      return nil
    }
    return table.files.names[Int(index)]
  }

  // MARK: Functions

  /// The scopes in `unit` that cover `address`.
  func chain(at address: UInt64, in unit: Unit) throws(SymbolError) -> ScopeChain? {
    guard let function = try function(covering: address, in: unit) else { return nil }
    return try ScopeChain(function: function, address: address)
  }

  /// The out-of-line function in `unit` whose code covers `address`.
  func function(covering address: UInt64, in unit: Unit) throws(SymbolError) -> Entry? {
    let functions: FunctionIndex
    if let known = unit.functions {
      functions = known
    } else {
      functions = try FunctionIndex(root: unit.root, deep: false)
      unit.functions = functions
    }
    if let function = functions.function(at: address) { return function }
    let deep: FunctionIndex
    if let known = unit.deepFunctions {
      deep = known
    } else {
      deep = try FunctionIndex(root: unit.root, deep: true)
      unit.deepFunctions = deep
    }
    return deep.function(at: address)
  }

  /// The entry of an identifier that this session gave out.
  func entry(_ id: EntryID) throws(SymbolError) -> Entry {
    guard let entry = Entry(library: library, id: id) else { throw .unknownType(id.rawValue) }
    return entry
  }
}
