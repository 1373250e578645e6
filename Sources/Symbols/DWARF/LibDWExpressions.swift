import Bytes
import CElfutils
import Unwinding

/// Turns the expressions that libdw has decoded into this project's operations.
///
/// Operands that libdw leaves as indexes or offsets arrive resolved: `DW_OP_addrx` as `DW_OP_addr`,
/// `DW_OP_constx` as `DW_OP_constu`, references to types and variables as the rawValue of a `TypeID`
/// or `EntryID` (0: the generic type).
extension Entry {
  /// How deep `DW_OP_entry_value` may nest, and how long an expression may be.
  private static let depthLimit = 8
  private static let lengthLimit = 65536

  /// The expression or, from a location list, the one that holds at `address`. Nil if the attribute
  /// is absent; `.optimizedOut` for an empty expression, `.absentAtAddress` when no entry of the list
  /// covers the address.
  func location(
    _ attribute: Int, at address: UInt64, integrated: Bool = true
  ) throws(SymbolError) -> VariableLocation? {
    guard var value = unsafe self.attribute(attribute, integrated: integrated) else { return nil }
    var operations: UnsafeMutablePointer<Dwarf_Op>?
    var count = 0
    let found = unsafe dwarf_getlocation_addr(&value, address, &operations, &count, 1)
    if found < 0 {
      let problem = malformed("location")
      // Asked first: the next libdw call forgets it.
      guard let operations = unsafe try undecoded(value, at: address) else { throw problem }
      return .operations(operations)
    }
    if found == 0 {
      let isList = unsafe Self.locationListForms.contains(Int(dwarf_whatform(&value)))
      return isList ? .absentAtAddress : .optimizedOut
    }
    let decoded = unsafe try decode(operations, count: count, of: &value, depth: 0)
    return decoded.isEmpty ? .optimizedOut : .operations(decoded)
  }

  /// The operations of a location that libdw finds an unknown operation in; nil if they can't be
  /// had without it.
  private func undecoded(
    _ attribute: Dwarf_Attribute, at address: UInt64
  ) throws(SymbolError) -> [DWARFOperation]? {
    var value = unsafe attribute
    guard let bytes = unsafe try expressionBytes(&value, at: address) else { return nil }
    do throws(ExpressionError) {
      let unit = unitOffset
      return try DWARFExpression.decode(bytes).map { $0.withTypesRelative(to: unit) }
    } catch {
      throw .malformed(what: "location", offset: offset, reason: "\(error)")
    }
  }

  private func expressionBytes(
    _ value: inout Dwarf_Attribute, at address: UInt64
  ) throws(SymbolError) -> ByteView? {
    var block = unsafe Dwarf_Block()
    if unsafe dwarf_formblock(&value, &block) == 0 {
      return unsafe ByteView(
        copying: UnsafeBufferPointer(start: block.data, count: Int(block.length)))
    }
    var offset: Dwarf_Word = 0
    // Lists of split units count from places that only libdw knows.
    guard unsafe dwarf_cu_getdwarf(value.cu) == library.handle,
      unsafe dwarf_formudata(&value, &offset) == 0, let root = unitRoot
    else { return nil }
    var version: UInt16 = 0
    unsafe dwarf_cu_info(value.cu, &version, nil, nil, nil, nil, nil, nil)
    let name = version >= 5 ? ".debug_loclists" : ".debug_loc"
    guard let section = try library.section(name) else { return nil }
    let list = LocationList(
      section: section, version: version, unitBase: try root.address(DW_AT_low_pc) ?? 0)
    do throws(ByteError) {
      return try list.expression(at: offset, for: address)
    } catch {
      throw .malformed(what: "location list", offset: offset, reason: error.description)
    }
  }

  /// The expression of an attribute that isn't a list, such as `DW_AT_call_value`; nil if it's
  /// absent.
  func expression(_ attribute: Int) throws(SymbolError) -> [DWARFOperation]? {
    guard case .operations(let operations) = try location(attribute, at: 0, integrated: false)
    else { return nil }
    return operations
  }

  /// DWARF 2 and 3 used the data forms for lists, 4 and 5 have their own.
  private static let locationListForms: Set<Int> = [
    DW_FORM_data4, DW_FORM_data8, DW_FORM_sec_offset, DW_FORM_loclistx,
  ]

  private func decode(
    _ operations: UnsafeMutablePointer<Dwarf_Op>?, count: Int, of attribute: inout Dwarf_Attribute,
    depth: Int
  ) throws(SymbolError) -> [DWARFOperation] {
    guard depth < Self.depthLimit else {
      throw .tooDeep(what: "entry value", limit: Self.depthLimit)
    }
    guard count <= Self.lengthLimit else {
      throw .malformed(what: "expression", offset: offset, reason: "longer than any real one")
    }
    var decoded: [DWARFOperation] = []
    decoded.reserveCapacity(count)
    for index in 0..<count {
      // Safe: libdw gave `count` operations at `operations`; they live as long as the handle.
      guard let operation = unsafe operations.map({ unsafe $0 + index }) else { break }
      unsafe decoded.append(try decode(operation, of: &attribute, depth: depth))
    }
    return decoded
  }

  private func decode(
    _ pointer: UnsafeMutablePointer<Dwarf_Op>, of attribute: inout Dwarf_Attribute, depth: Int
  ) throws(SymbolError) -> DWARFOperation {
    let operation = unsafe pointer.pointee
    let code = Int(operation.atom)
    func make(
      _ opcode: Int, _ first: UInt64, _ second: UInt64 = 0,
      _ payload: DWARFOperation.Payload = .none
    ) -> DWARFOperation {
      DWARFOperation(
        DWARFOpcode(rawValue: UInt8(truncatingIfNeeded: opcode)), first, second,
        offset: operation.offset, payload: payload)
    }
    switch code {
    case DW_OP_addrx, DW_OP_GNU_addr_index:
      var address: Dwarf_Addr = 0
      var resolved = unsafe Dwarf_Attribute()
      guard unsafe dwarf_getlocation_attr(&attribute, pointer, &resolved) == 0,
        unsafe dwarf_formaddr(&resolved, &address) == 0
      else { throw malformed("indexed address") }
      return make(DW_OP_addr, address)
    case DW_OP_constx, DW_OP_GNU_const_index:
      var number: Dwarf_Word = 0
      var resolved = unsafe Dwarf_Attribute()
      guard unsafe dwarf_getlocation_attr(&attribute, pointer, &resolved) == 0,
        unsafe dwarf_formudata(&resolved, &number) == 0
      else { throw malformed("indexed constant") }
      return make(DW_OP_constu, number)
    case DW_OP_implicit_value:
      var block = unsafe Dwarf_Block()
      guard unsafe dwarf_getlocation_implicit_value(&attribute, pointer, &block) == 0 else {
        throw malformed("implicit value")
      }
      let bytes = unsafe Array(UnsafeBufferPointer(start: block.data, count: Int(block.length)))
      return make(code, UInt64(bytes.count), 0, .bytes(bytes))
    case DW_OP_entry_value, DW_OP_GNU_entry_value:
      return make(
        code, 0, 0, .expression(unsafe try inner(of: pointer, in: &attribute, depth: depth)))
    case DW_OP_const_type, DW_OP_GNU_const_type:
      let type = unsafe try target(of: pointer, in: &attribute)
      return make(code, type, 0, .bytes(unsafe try constant(of: pointer, in: &attribute)))
    case DW_OP_regval_type, DW_OP_GNU_regval_type, DW_OP_deref_type, DW_OP_GNU_deref_type,
      DW_OP_xderef_type:
      return make(code, operation.number, unsafe try target(of: pointer, in: &attribute))
    case DW_OP_convert, DW_OP_GNU_convert, DW_OP_reinterpret, DW_OP_GNU_reinterpret:
      let type = operation.number == 0 ? 0 : unsafe try target(of: pointer, in: &attribute)
      return make(code, type)
    case DW_OP_implicit_pointer, DW_OP_GNU_implicit_pointer:
      return make(code, unsafe try target(of: pointer, in: &attribute), operation.number2)
    case DW_OP_call2, DW_OP_call4, DW_OP_call_ref, DW_OP_GNU_parameter_ref,
      DW_OP_GNU_variable_value:
      return make(code, unsafe try target(of: pointer, in: &attribute))
    default:
      return make(code, operation.number, operation.number2)
    }
  }

  /// The expression inside `DW_OP_entry_value`.
  private func inner(
    of pointer: UnsafeMutablePointer<Dwarf_Op>, in attribute: inout Dwarf_Attribute, depth: Int
  ) throws(SymbolError) -> [DWARFOperation] {
    var nested = unsafe Dwarf_Attribute()
    var operations: UnsafeMutablePointer<Dwarf_Op>?
    var count = 0
    guard unsafe dwarf_getlocation_attr(&attribute, pointer, &nested) == 0,
      unsafe dwarf_getlocation(&nested, &operations, &count) == 0
    else { throw malformed("entry value") }
    // References count from the unit of the attribute around: the nested one stands in a location
    // list, for which libdw (0.188) has a unit that lies nowhere, its start uninitialized.
    return unsafe try decode(operations, count: count, of: &attribute, depth: depth + 1)
  }

  /// The bytes of `DW_OP_const_type`.
  private func constant(
    of pointer: UnsafeMutablePointer<Dwarf_Op>, in attribute: inout Dwarf_Attribute
  ) throws(SymbolError) -> [UInt8] {
    var nested = unsafe Dwarf_Attribute()
    var block = unsafe Dwarf_Block()
    guard unsafe dwarf_getlocation_attr(&attribute, pointer, &nested) == 0,
      unsafe dwarf_formblock(&nested, &block) == 0
    else { throw malformed("typed constant") }
    return unsafe Array(UnsafeBufferPointer(start: block.data, count: Int(block.length)))
  }

  /// The identifier of the entry that an operation refers to.
  private func target(
    of pointer: UnsafeMutablePointer<Dwarf_Op>, in attribute: inout Dwarf_Attribute
  ) throws(SymbolError) -> UInt64 {
    var target = unsafe Dwarf_Die()
    guard unsafe dwarf_getlocation_die(&attribute, pointer, &target) == 0 else {
      throw malformed("reference in an expression")
    }
    return unsafe Entry(library: library, die: target).id.rawValue
  }
}

extension DWARFOperation {
  /// The same operation with types given by their place in `.debug_info` instead of in the unit.
  fileprivate func withTypesRelative(to unit: UInt64) -> DWARFOperation {
    func place(_ offset: UInt64) -> UInt64 { offset == 0 ? 0 : offset &+ unit }
    switch Int(opcode.rawValue) {
    case DW_OP_const_type, DW_OP_GNU_const_type, DW_OP_convert, DW_OP_GNU_convert,
      DW_OP_reinterpret, DW_OP_GNU_reinterpret, DW_OP_call2, DW_OP_call4, DW_OP_GNU_parameter_ref:
      return DWARFOperation(
        opcode, place(operand1), operand2, offset: offset, payload: payload)
    case DW_OP_regval_type, DW_OP_GNU_regval_type, DW_OP_deref_type, DW_OP_GNU_deref_type,
      DW_OP_xderef_type:
      return DWARFOperation(
        opcode, operand1, place(operand2), offset: offset, payload: payload)
    case DW_OP_entry_value, DW_OP_GNU_entry_value:
      guard case .expression(let inner) = payload else { return self }
      return DWARFOperation(
        opcode, operand1, operand2, offset: offset,
        payload: .expression(inner.map { $0.withTypesRelative(to: unit) }))
    default: return self
    }
  }
}
