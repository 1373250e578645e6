import Bytes

/// Which line each address of one unit belongs to, by gdb's rules.
///
/// A program's rows can give several lines for one address. gdb keeps one, and so does this table:
/// - a later row of the same file wins over an earlier one, but a row marked as the beginning of a
///   statement is preferred to one directly after it that isn't;
/// - a row of another file takes over, unless it begins no statement and one did before it at this
///   address;
/// - rows for line 0 count as if they weren't there.
struct LineTable {
  /// Sorted by address.
  private(set) var rows: [Row] = []
  /// Each file once, under the name that gdb prints.
  let files: FileNames

  struct Row {
    let address: UInt64
    /// 0: no line covers the addresses from here on.
    let line: UInt32
    let file: UInt32
    let column: UInt16
    let isStatement: Bool
  }

  /// Reads the program at `offset` of `.debug_line`.
  ///
  /// - Parameters:
  ///   - unit: `DW_AT_name` and `DW_AT_comp_dir`, which the main file's name is taken from.
  ///   - lowPC: the unit's lowest address; code that the linker dropped stays at 0, below it.
  init(
    sections: LineSections, offset: UInt64, unitName: String?, directory: String?, lowPC: UInt64
  ) throws(SymbolError) {
    let header = try LineProgramHeader(sections: sections, at: offset)
    var program = LineProgram(
      header: header,
      files: FileNames(header: header, unitName: unitName, directory: directory), lowPC: lowPC)
    do throws(ByteError) {
      try program.run()
    } catch {
      throw .malformed(what: "line table", offset: offset, reason: error.description)
    }
    files = program.files
    rows = program.rows
    // Stable: where a sequence begins at another's end, its first row must come last.
    rows = rows.enumerated().sorted {
      ($0.element.address, $0.element.line == 0 ? 0 : 1, $0.offset)
        < ($1.element.address, $1.element.line == 0 ? 0 : 1, $1.offset)
    }.map(\.element)
  }

  /// The row that covers `address`.
  func row(at address: UInt64) -> Row? {
    var low = 0
    var high = rows.count
    while low < high {
      let middle = (low + high) / 2
      if rows[middle].address <= address { low = middle + 1 } else { high = middle }
    }
    guard low > 0, rows[low - 1].line != 0 else { return nil }
    return rows[low - 1]
  }
}

/// The files of one line table, under the names that gdb prints.
struct FileNames {
  private(set) var names: [String] = []
  private var indexes: [String: UInt32] = [:]
  /// By the table's own numbers.
  private var byNumber: [UInt64: UInt32] = [:]
  private let directory: String?

  /// The main file is printed as the unit's name, whichever way the table spells it.
  init(header: LineProgramHeader, unitName: String?, directory: String?) {
    self.directory = directory
    if let unitName { _ = index(ofPath: unitName) }
    let first: UInt64 = header.version >= 5 ? 0 : 1
    for (position, file) in header.files.enumerated() {
      add(header.path(of: file), number: UInt64(position) + first)
    }
  }

  mutating func add(_ path: String, number: UInt64) {
    byNumber[number] = index(ofPath: path)
  }

  /// The index into `names` of the file with the table's own `number`.
  func index(ofNumber number: UInt64) -> UInt32? { byNumber[number] }

  private mutating func index(ofPath path: String) -> UInt32 {
    let full: String
    if path.hasPrefix("/") {
      full = path
    } else {
      full = directory.map { $0 + "/" + path } ?? path
    }
    if let known = indexes[full] { return known }
    let index = UInt32(truncatingIfNeeded: names.count)
    names.append(path)
    indexes[full] = index
    return index
  }
}
