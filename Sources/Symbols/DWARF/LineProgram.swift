import Bytes

/// Runs a line-number program (DWARF 5, section 6.2.5) and keeps the row that counts for each
/// address; `LineTable` says which.
struct LineProgram {
  private let header: LineProgramHeader
  private(set) var files: FileNames
  private let lowPC: UInt64
  private(set) var rows: [LineTable.Row] = []

  // The state machine's registers (DWARF 5, section 6.2.2).
  private var address: UInt64 = 0
  private var operationIndex: UInt64 = 0
  private var file: UInt64 = 1
  private var line: UInt32 = 1
  private var column: UInt64 = 0
  private var discriminator: UInt64 = 0
  private var isStatement: Bool

  // What the choice among an address's rows depends on.
  /// The rows still in force at the current address, all of one file.
  private var live: [LineTable.Row] = []
  private var lastFile: UInt32?
  private var lastLine: UInt32 = 0
  /// Some row for the current line has had a discriminator: the line is one block after another,
  /// and further rows for it add nothing.
  private var lineHasDiscriminator = false
  private var lastAddress: UInt64 = 0
  private var statementSeen = false
  /// The sequence belongs to code that the linker dropped.
  private var isDropped = false

  init(header: LineProgramHeader, files: FileNames, lowPC: UInt64) {
    self.header = header
    self.files = files
    self.lowPC = lowPC
    isStatement = header.defaultIsStatement
  }

  mutating func run() throws(ByteError) {
    var cursor = ByteCursor(header.program)
    while !cursor.isAtEnd {
      let opcode = try cursor.read(UInt8.self)
      if opcode >= header.opcodeBase {
        special(opcode)
      } else if opcode == 0 {
        try extended(&cursor)
      } else {
        try standard(opcode, &cursor)
      }
    }
    endSequence()
  }

  private mutating func special(_ opcode: UInt8) {
    let adjusted = opcode - header.opcodeBase
    advance(UInt64(adjusted / header.lineRange))
    advanceLine(Int64(header.lineBase) + Int64(adjusted % header.lineRange))
    emit()
  }

  private mutating func advance(_ operations: UInt64) {
    let perInstruction = UInt64(header.maximumOperations)
    if perInstruction <= 1 {
      address = address &+ operations &* UInt64(header.minimumInstructionLength)
    } else {
      let total = operationIndex &+ operations
      address = address &+ total / perInstruction &* UInt64(header.minimumInstructionLength)
      operationIndex = total % perInstruction
    }
  }

  private mutating func advanceLine(_ delta: Int64) {
    line = line &+ UInt32(truncatingIfNeeded: delta)
    if delta != 0 { lineHasDiscriminator = discriminator != 0 }
  }

  /// DW_LNS_… (DWARF 5, table 7.25).
  private mutating func standard(_ opcode: UInt8, _ cursor: inout ByteCursor) throws(ByteError) {
    switch opcode {
    case 1: emit()  // copy
    case 2: advance(try cursor.readULEB128())  // advance_pc
    case 3: advanceLine(try cursor.readSLEB128())  // advance_line
    case 4: file = try cursor.readULEB128()  // set_file
    case 5: column = try cursor.readULEB128()  // set_column
    case 6: isStatement.toggle()  // negate_stmt
    case 7: break  // set_basic_block
    case 8: advance(UInt64((255 - header.opcodeBase) / header.lineRange))  // const_add_pc
    case 9:  // fixed_advance_pc
      address = address &+ UInt64(try cursor.read(UInt16.self))
      operationIndex = 0
    case 10, 11: break  // set_prologue_end, set_epilogue_begin
    default:  // set_isa, or unknown
      for _ in 0..<header.opcodeLengths[Int(opcode) - 1] { _ = try cursor.readULEB128() }
    }
  }

  /// DW_LNE_… (DWARF 5, table 7.26), each preceded by its length.
  private mutating func extended(_ cursor: inout ByteCursor) throws(ByteError) {
    var operands = ByteCursor(try cursor.readBytes(try cursor.readULEB128()))
    guard !operands.isAtEnd else { return }
    switch try operands.read(UInt8.self) {
    case 1: endSequence()
    case 2:  // set_address
      address =
        operands.remaining >= 8
        ? try operands.read(UInt64.self) : UInt64(try operands.read(UInt32.self))
      operationIndex = 0
      // Linkers put 0, or -1 or -2, in place of the address of code that they dropped.
      if (address == 0 && lowPC > 0) || address >= .max - 1 { isDropped = true }
    case 3:  // define_file
      if let file = try LineProgramHeader.readFile(&operands) {
        files.add(header.path(of: file), number: definedFiles)
        definedFiles += 1
      }
    case 4:  // set_discriminator
      discriminator = try operands.readULEB128()
      if discriminator != 0 { lineHasDiscriminator = true }
    default: break
    }
  }

  private lazy var definedFiles = UInt64(header.files.count) + 1

  /// Appends a row to the matrix.
  private mutating func emit() {
    defer {
      noteStatement()
      discriminator = 0
    }
    guard !isDropped, operationIndex == 0, let current = files.index(ofNumber: file) else { return }
    let changesFile = lastFile != current
    if line == 0 || (changesFile && lastAddress == address && !isStatement && statementSeen) {
      return
    }
    if !changesFile, line == lastLine, lineHasDiscriminator { return }
    if let first = live.first, first.address != address { settle() }
    if changesFile {
      // The former file's rows at this address become empty.
      live.removeAll(keepingCapacity: true)
    }
    live.append(
      LineTable.Row(
        address: address, line: line, file: current, column: UInt16(clamping: column),
        isStatement: isStatement))
    lastFile = current
    lastLine = line
  }

  private mutating func noteStatement() {
    if lastAddress != address {
      statementSeen = false
      lastAddress = address
    }
    if isStatement { statementSeen = true }
  }

  /// Keeps the one row that counts for the address that is now complete.
  private mutating func settle() {
    if let chosen = live.last(where: \.isStatement) ?? live.last { rows.append(chosen) }
    live.removeAll(keepingCapacity: true)
  }

  private mutating func endSequence() {
    if !isDropped, lastFile != nil {
      // Rows at the end's own address are empty.
      if let first = live.first, first.address == address {
        live.removeAll(keepingCapacity: true)
      }
      settle()
      rows.append(
        LineTable.Row(address: address, line: 0, file: 0, column: 0, isStatement: true))
    }
    live.removeAll(keepingCapacity: true)
    address = 0
    operationIndex = 0
    file = 1
    line = 1
    column = 0
    discriminator = 0
    isStatement = header.defaultIsStatement
    lastFile = nil
    lastLine = 0
    lineHasDiscriminator = false
    lastAddress = 0
    statementSeen = false
    isDropped = false
  }
}
