import CElfutils

extension Session {
  /// The identifier of a type's entry. A stand-in for a type in a type unit gives that type's own.
  func typeID(_ entry: Entry) -> TypeID { TypeID(entry.id.rawValue) }

  /// The type that an entry refers to; nil is `void`, or nothing recorded.
  func type(of entry: Entry, integrated: Bool = false) throws(SymbolError) -> TypeID? {
    try entry.reference(DW_AT_type, integrated: integrated).map(typeID)
  }

  /// See `TypeGraph.node`.
  func node(_ id: TypeID) throws(SymbolError) -> TypeNode {
    if let known = types[id] { return known }
    guard let entry = Entry(library: library, id: EntryID(id.withName.rawValue)) else {
      throw .unknownType(id.rawValue)
    }
    let node = try decode(entry, isNamed: id.isNamed, depth: 0)
    types[id] = node
    return node
  }

  func printer(_ language: SourceLanguage) -> TypePrinter {
    TypePrinter(language: language) { id throws(SymbolError) in try self.node(id) }
  }

  private func decode(
    _ entry: Entry, isNamed: Bool = true, depth: Int
  ) throws(SymbolError) -> TypeNode {
    guard depth < 8 else { throw .tooDeep(what: "type signature", limit: 8) }
    switch entry.tag {
    case DW_TAG_base_type: return try decodeBase(entry)
    case DW_TAG_pointer_type:
      return .pointer(to: try type(of: entry), size: try size(of: entry) ?? pointerSize)
    case DW_TAG_reference_type, DW_TAG_rvalue_reference_type:
      return .reference(
        to: try type(of: entry), isRvalue: entry.tag == DW_TAG_rvalue_reference_type,
        size: try size(of: entry) ?? pointerSize)
    case DW_TAG_ptr_to_member_type:
      let owner = try entry.reference(DW_AT_containing_type).map(typeID)
      let target = try type(of: entry)
      let size = try size(of: entry)
      return .memberPointer(
        to: target, of: owner, size: size == nil ? try memberPointerSize(target) : size ?? 8)
    case DW_TAG_array_type: return try decodeArray(entry, isNamed: isNamed)
    case DW_TAG_structure_type, DW_TAG_class_type, DW_TAG_union_type, DW_TAG_interface_type:
      if let definition = try entry.reference(DW_AT_signature) {
        return try decode(definition, depth: depth + 1)
      }
      return .record(try decodeRecord(entry))
    case DW_TAG_enumeration_type:
      if let definition = try entry.reference(DW_AT_signature) {
        return try decode(definition, depth: depth + 1)
      }
      return .enumeration(try decodeEnumeration(entry))
    case DW_TAG_typedef, DW_TAG_template_alias:
      return .typedef(name: try typeName(of: entry) ?? "", of: try type(of: entry))
    case DW_TAG_const_type: return .qualified(.const, of: try type(of: entry))
    case DW_TAG_volatile_type: return .qualified(.volatile, of: try type(of: entry))
    case DW_TAG_restrict_type: return .qualified(.restrict, of: try type(of: entry))
    case DW_TAG_atomic_type: return .qualified(.atomic, of: try type(of: entry))
    case DW_TAG_subroutine_type, DW_TAG_subprogram: return .function(try decodeFunction(entry))
    case DW_TAG_packed_type, DW_TAG_immutable_type, DW_TAG_shared_type:
      // These change nothing that this graph can say.
      guard let target = try entry.reference(DW_AT_type) else { return .unspecified(name: "void") }
      return try decode(target, depth: depth + 1)
    default:
      return .unspecified(
        name: try typeName(of: entry) ?? "<type with tag 0x\(String(entry.tag, radix: 16))>")
    }
  }

  // MARK: Sizes

  /// Of the only architectures whose memory is read so far.
  private var pointerSize: UInt64 { 8 }

  /// Itanium C++ ABI, section 2.3: an offset; for functions, a pointer and an adjustment.
  private func memberPointerSize(_ target: TypeID?) throws(SymbolError) -> UInt64 {
    if let target, case .function = try node(target) { return 16 }
    return 8
  }

  private func size(of entry: Entry) throws(SymbolError) -> UInt64? {
    if let bytes = try entry.constant(DW_AT_byte_size) { return UInt64(bitPattern: bytes) }
    if let bits = try entry.constant(DW_AT_bit_size) { return (UInt64(bitPattern: bits) &+ 7) / 8 }
    return nil
  }

  // MARK: One kind each

  private func decodeBase(_ entry: Entry) throws(SymbolError) -> TypeNode {
    let code = try entry.unsigned(DW_AT_encoding) ?? 0
    let encoding: BaseEncoding =
      switch Int(code) {
      case DW_ATE_signed: .signed
      case DW_ATE_unsigned: .unsigned
      case DW_ATE_signed_char: .signedCharacter
      case DW_ATE_unsigned_char: .unsignedCharacter
      case DW_ATE_boolean: .boolean
      case DW_ATE_float: .float
      case DW_ATE_complex_float: .complexFloat
      case DW_ATE_UTF: .utf
      case DW_ATE_address: .address
      default: .other(code)
      }
    return .base(
      name: try entry.string(DW_AT_name) ?? "", encoding: encoding, size: try size(of: entry) ?? 0)
  }

  private func decodeEnumeration(_ entry: Entry) throws(SymbolError) -> EnumerationNode {
    var enumerators: [(name: String, value: Int64)] = []
    try entry.forEachChild { child throws(SymbolError) in
      if child.tag == DW_TAG_enumerator {
        enumerators.append(
          (try child.string(DW_AT_name) ?? "", try child.constant(DW_AT_const_value) ?? 0))
      }
      return true
    }
    return EnumerationNode(
      name: try typeName(of: entry), size: try size(of: entry) ?? 0,
      isSigned: enumerators.contains { $0.value < 0 },
      isDeclaration: entry.flag(DW_AT_declaration), isScoped: entry.flag(DW_AT_enum_class),
      enumerators: enumerators)
  }

  private func decodeFunction(_ entry: Entry) throws(SymbolError) -> FunctionNode {
    var parameters: [TypeID?] = []
    var isVariadic = false
    try entry.forEachChild { child throws(SymbolError) in
      if child.tag == DW_TAG_formal_parameter {
        parameters.append(try type(of: child, integrated: true))
      }
      if child.tag == DW_TAG_unspecified_parameters { isVariadic = true }
      return true
    }
    // A function without a prototype is written with an ellipsis alone, too.
    let isPrototyped = entry.flag(DW_AT_prototyped, integrated: true)
    if !isPrototyped, parameters.isEmpty { isVariadic = false }
    return FunctionNode(
      result: try type(of: entry, integrated: true), parameters: parameters,
      isVariadic: isVariadic, isPrototyped: isPrototyped)
  }
}
