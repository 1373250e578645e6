import CElfutils

extension Session {
  func decodeRecord(_ entry: Entry) throws(SymbolError) -> RecordNode {
    var members: [RecordNode.Member] = []
    try entry.forEachChild { child throws(SymbolError) in
      switch child.tag {
      case DW_TAG_member, DW_TAG_inheritance:
        if let member = try decodeMember(child) { members.append(member) }
      case DW_TAG_variable:
        // How DWARF 5 writes a static member.
        members.append(try staticMember(child))
      default: break
      }
      return true
    }
    let kind: RecordNode.Kind =
      switch entry.tag {
      case DW_TAG_union_type: .union
      case DW_TAG_class_type: .class
      default: .structure
      }
    let size = try entry.constant(DW_AT_byte_size).map { UInt64(bitPattern: $0) }
    return RecordNode(
      kind: kind, name: try typeName(of: entry), size: size ?? 0,
      isDeclaration: entry.flag(DW_AT_declaration), members: members)
  }

  private func staticMember(_ entry: Entry) throws(SymbolError) -> RecordNode.Member {
    RecordNode.Member(
      name: try entry.string(DW_AT_name), type: try type(of: entry), bitOffset: 0, isStatic: true,
      constantValue: try entry.constantValue())
  }

  /// Nil for a member whose place can't be told.
  private func decodeMember(_ entry: Entry) throws(SymbolError) -> RecordNode.Member? {
    let isBase = entry.tag == DW_TAG_inheritance
    // Before DWARF 5 a static member is a member without a place that is declared external.
    if !isBase, entry.flag(DW_AT_external) || entry.flag(DW_AT_declaration) {
      return try staticMember(entry)
    }
    let bitSize = try entry.constant(DW_AT_bit_size).map { UInt64(bitPattern: $0) }
    let type = try type(of: entry)
    guard let bitOffset = try bitOffset(of: entry, bitSize: bitSize) else {
      // Where a virtual base class lies, only the object itself can tell.
      guard isBase, let location = try entry.expression(DW_AT_data_member_location) else {
        return nil
      }
      return RecordNode.Member(
        name: nil, type: type, bitOffset: 0, isBase: true, virtualLocation: location)
    }
    var name = try entry.string(DW_AT_name)
    if isBase, name == nil, let type, case .record(let base) = try node(type) { name = base.name }
    return RecordNode.Member(
      name: name, type: type, bitOffset: bitOffset, bitSize: bitSize, isBase: isBase)
  }

  /// A member's place (DWARF 5, section 5.7.6; `DW_AT_bit_offset` is DWARF 2 and 3's).
  private func bitOffset(of entry: Entry, bitSize: UInt64?) throws(SymbolError) -> UInt64? {
    if let bits = try entry.constant(DW_AT_data_bit_offset) { return UInt64(bitPattern: bits) }
    guard let bytes = try byteOffset(of: entry) else { return nil }
    let (start, overflow) = bytes.multipliedReportingOverflow(by: 8)
    guard !overflow else { throw entry.malformed("member offset") }
    guard let bitSize, let fromTop = try entry.constant(DW_AT_bit_offset) else { return start }
    // Counted from the storage unit's most significant bit, which on a little-endian machine is the
    // last one.
    var storage = try entry.constant(DW_AT_byte_size).map { UInt64(bitPattern: $0) }
    if storage == nil, let type = try type(of: entry) { storage = try sizeOfScalar(type) }
    let bits = (storage ?? 4) &* 8
    return start &+ bits &- UInt64(bitPattern: fromTop) &- bitSize
  }

  private func byteOffset(of entry: Entry) throws(SymbolError) -> UInt64? {
    if let constant = try entry.constant(DW_AT_data_member_location) {
      return UInt64(bitPattern: constant)
    }
    guard let operations = try entry.expression(DW_AT_data_member_location) else {
      // Members of a union need not say that they begin at its start.
      return entry.has(DW_AT_data_member_location) ? nil : 0
    }
    // DWARF 2 wrote `DW_OP_plus_uconst offset`.
    guard operations.count == 1, operations[0].opcode.rawValue == UInt8(DW_OP_plus_uconst) else {
      return nil
    }
    return operations[0].operand1
  }

  private func sizeOfScalar(_ type: TypeID) throws(SymbolError) -> UInt64? {
    var current = type
    for _ in 0..<TypeReference.depthLimit {
      switch try node(current) {
      case .typedef(_, let target?), .qualified(_, let target?): current = target
      case .base(_, _, let size): return size
      case .enumeration(let enumeration): return enumeration.size
      default: return nil
      }
    }
    throw .tooDeep(what: "typedef", limit: TypeReference.depthLimit)
  }
}

extension Entry {
  /// A constant, signed or not as its form says; nil if the attribute is absent or is no constant,
  /// such as an array's bound that is computed at run time.
  func constant(_ attribute: Int) throws(SymbolError) -> Int64? {
    switch form(attribute) {
    case DW_FORM_sdata?, DW_FORM_implicit_const?: try signed(attribute)
    case DW_FORM_data1?, DW_FORM_data2?, DW_FORM_data4?, DW_FORM_data8?, DW_FORM_udata?:
      try unsigned(attribute).map { Int64(bitPattern: $0) }
    default: nil
    }
  }
}
