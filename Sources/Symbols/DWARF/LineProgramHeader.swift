import Bytes

/// The sections that line tables are made of.
struct LineSections {
  let line: ByteView
  let lineStrings: ByteView?
  let strings: ByteView?
}

/// A line-number program's header (DWARF 5, section 6.2.4; DWARF 2 to 4, section 6.2.4).
///
///     unit_length      4, or 12 beginning with 0xffffffff (64-bit DWARF)
///     version          2
///     address_size     1   ┐ version 5
///     seg_selector     1   ┘
///     header_length    4 or 8
///     min_inst_length  1
///     max_ops          1     version 4 and 5
///     default_is_stmt  1
///     line_base        1     signed
///     line_range       1
///     opcode_base      1
///     opcode_lengths   opcode_base - 1
///     directories, files
struct LineProgramHeader {
  let version: UInt16
  let is64Bit: Bool
  let minimumInstructionLength: UInt8
  let maximumOperations: UInt8
  let defaultIsStatement: Bool
  let lineBase: Int8
  let lineRange: UInt8
  let opcodeBase: UInt8
  let opcodeLengths: [UInt8]
  let directories: [String]
  let files: [File]
  /// The instructions.
  let program: ByteView
  /// Where the header stands in `.debug_line`.
  let offset: UInt64

  struct File {
    let name: String
    let directory: UInt64
  }

  private static let pathLimit: UInt64 = 65536

  init(sections: LineSections, at offset: UInt64) throws(SymbolError) {
    do throws(ByteError) {
      try self.init(reading: sections, at: offset)
    } catch {
      throw .malformed(what: "line table", offset: offset, reason: error.description)
    }
    guard (2...5).contains(version) else {
      throw .malformed(what: "line table", offset: offset, reason: "version \(version) is unknown")
    }
    guard lineRange != 0, opcodeBase != 0 else {
      throw .malformed(what: "line table", offset: offset, reason: "line_range or opcode_base is 0")
    }
  }

  private init(reading sections: LineSections, at offset: UInt64) throws(ByteError) {
    self.offset = offset
    var cursor = ByteCursor(sections.line, at: offset)
    let first = try cursor.read(UInt32.self)
    is64Bit = first == 0xffff_ffff
    let length = is64Bit ? try cursor.read(UInt64.self) : UInt64(first)
    let unit = try cursor.readBytes(length)
    cursor = ByteCursor(unit)
    version = try cursor.read()
    if version >= 5 { try cursor.skip(2) }
    let headerLength =
      is64Bit ? try cursor.read(UInt64.self) : UInt64(try cursor.read(UInt32.self))
    let fields = try cursor.readBytes(headerLength)
    program = unit.clampedSubview(at: cursor.offset, count: .max)
    cursor = ByteCursor(fields)
    minimumInstructionLength = try cursor.read()
    maximumOperations = version >= 4 ? try cursor.read() : 1
    defaultIsStatement = try cursor.read(UInt8.self) != 0
    lineBase = try cursor.read()
    lineRange = try cursor.read()
    opcodeBase = try cursor.read()
    opcodeLengths = try cursor.readBytes(UInt64(max(opcodeBase, 1) - 1)).copy()
    if version >= 5 {
      let table = PathTableReader(sections: sections, is64Bit: is64Bit)
      directories = try table.read(&cursor).map(\.name)
      files = try table.read(&cursor)
    } else {
      (directories, files) = try Self.readOldPaths(&cursor)
    }
  }

  /// Versions 2 to 4: strings up to an empty one; directories and files count from 1.
  private static func readOldPaths(
    _ cursor: inout ByteCursor
  ) throws(ByteError) -> ([String], [File]) {
    var directories: [String] = []
    while true {
      let directory = try cursor.readCString(limit: pathLimit)
      if directory.isEmpty { break }
      directories.append(directory)
    }
    var files: [File] = []
    while let file = try readFile(&cursor) { files.append(file) }
    return (directories, files)
  }

  /// A file of versions 2 to 4, also found in `DW_LNE_define_file`: name, directory, time, length.
  /// Nil at the end of the list.
  static func readFile(_ cursor: inout ByteCursor) throws(ByteError) -> File? {
    let name = try cursor.readCString(limit: pathLimit)
    if name.isEmpty { return nil }
    let directory = try cursor.readULEB128()
    _ = try cursor.readULEB128()
    _ = try cursor.readULEB128()
    return File(name: name, directory: directory)
  }

  /// The path of the file of that number, as recorded: joined to its directory, which may be
  /// relative itself. Nil if there is no such file.
  func path(of number: UInt64) -> String? {
    let first: UInt64 = version >= 5 ? 0 : 1
    guard number >= first, number - first < UInt64(files.count) else { return nil }
    return path(of: files[Int(number - first)])
  }

  func path(of file: File) -> String {
    if file.name.hasPrefix("/") { return file.name }
    // Before version 5, directory 0 stands for the compilation directory and isn't in the table.
    let first: UInt64 = version >= 5 ? 0 : 1
    guard file.directory >= first, file.directory - first < UInt64(directories.count) else {
      return file.name
    }
    let directory = directories[Int(file.directory - first)]
    return directory.hasSuffix("/") ? directory + file.name : directory + "/" + file.name
  }
}

/// Reads version 5's tables of directories and files: first the format of an entry, as pairs of
/// content type and form, then the entries.
private struct PathTableReader {
  let sections: LineSections
  let is64Bit: Bool

  private enum Content {
    static let path: UInt64 = 1
    static let directoryIndex: UInt64 = 2
  }

  func read(_ cursor: inout ByteCursor) throws(ByteError) -> [LineProgramHeader.File] {
    let formatCount = try cursor.read(UInt8.self)
    var format: [(content: UInt64, form: UInt64)] = []
    for _ in 0..<formatCount {
      format.append((try cursor.readULEB128(), try cursor.readULEB128()))
    }
    let count = try cursor.readULEB128()
    var files: [LineProgramHeader.File] = []
    // Without a format the entries are empty; each would still cost memory.
    guard !format.isEmpty else { return [] }
    for _ in 0..<count {
      var name = ""
      var directory: UInt64 = 0
      for (content, form) in format {
        let (text, number) = try readForm(form, &cursor)
        if content == Content.path { name = text ?? "" }
        if content == Content.directoryIndex { directory = number }
      }
      files.append(LineProgramHeader.File(name: name, directory: directory))
    }
    return files
  }

  /// One value: a string or a number, whichever the form holds (DWARF 5, section 7.5.6).
  private func readForm(
    _ form: UInt64, _ cursor: inout ByteCursor
  ) throws(ByteError) -> (text: String?, number: UInt64) {
    switch form {
    case 0x08: return (try cursor.readCString(limit: 65536), 0)  // DW_FORM_string
    case 0x0e: return (try string(in: sections.strings, &cursor), 0)  // DW_FORM_strp
    case 0x1f: return (try string(in: sections.lineStrings, &cursor), 0)  // DW_FORM_line_strp
    case 0x0b: return (nil, UInt64(try cursor.read(UInt8.self)))  // DW_FORM_data1
    case 0x05: return (nil, UInt64(try cursor.read(UInt16.self)))  // DW_FORM_data2
    case 0x06: return (nil, UInt64(try cursor.read(UInt32.self)))  // DW_FORM_data4
    case 0x07: return (nil, try cursor.read(UInt64.self))  // DW_FORM_data8
    case 0x0f: return (nil, try cursor.readULEB128())  // DW_FORM_udata
    case 0x1e:  // DW_FORM_data16: an MD5 sum
      try cursor.skip(16)
      return (nil, 0)
    case 0x09:  // DW_FORM_block
      try cursor.skip(try cursor.readULEB128())
      return (nil, 0)
    default:
      // Of a form without known length nothing after it can be read.
      throw .outOfBounds(offset: cursor.offset, count: .max, available: cursor.remaining)
    }
  }

  private func string(
    in section: ByteView?, _ cursor: inout ByteCursor
  ) throws(ByteError) -> String {
    let offset = is64Bit ? try cursor.read(UInt64.self) : UInt64(try cursor.read(UInt32.self))
    return try (section ?? .empty).cString(at: offset, limit: 65536)
  }
}
