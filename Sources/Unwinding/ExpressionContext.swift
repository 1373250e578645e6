public import Bytes

/// What an expression asks of the frame and the program it is evaluated for.
///
/// Everything but registers and memory has a default that throws `.unsupported`.
public protocol ExpressionContext {
  /// Bytes of an address: the size of the generic type.
  var addressSize: UInt8 { get }

  /// The register's value in the frame, or nil if it is lost.
  func register(_ register: RegisterNumber) throws(ExpressionError) -> UInt64?

  /// The `count` bytes (at most 16) at `address`.
  func memory(at address: VirtualAddress, count: UInt64) throws(MemoryFault) -> ByteView

  /// The register's value as one of `type` (`DW_OP_regval_type`); nil if it is lost. By default
  /// the lowest bytes of `register(_:)`; vector registers need a context that knows them.
  func register(
    _ register: RegisterNumber, as type: ExpressionType
  ) throws(ExpressionError) -> ExpressionValue?

  /// The value of the function's `DW_AT_frame_base` (`DW_OP_fbreg`).
  func frameBase() throws(ExpressionError) -> UInt64

  /// The frame's CFA (`DW_OP_call_frame_cfa`).
  func canonicalFrameAddress() throws(ExpressionError) -> UInt64

  /// The run-time address for one that the file holds (`DW_OP_addr`). By default the same.
  func relocated(_ address: UInt64) throws(ExpressionError) -> UInt64

  /// The address at `index` in `.debug_addr`, as the file holds it (`DW_OP_addrx`).
  func indexedAddress(_ index: UInt64) throws(ExpressionError) -> UInt64

  /// The constant at `index` in `.debug_addr` (`DW_OP_constx`). Not relocated.
  func indexedConstant(_ index: UInt64) throws(ExpressionError) -> UInt64

  /// Where the thread keeps the byte at `offset` of the module's thread-local block
  /// (`DW_OP_form_tls_address`).
  func threadLocalAddress(offset: UInt64) throws(ExpressionError) -> UInt64

  /// The address of the object that the expression describes (`DW_OP_push_object_address`).
  func objectAddress() throws(ExpressionError) -> UInt64

  /// What `operations`, a register or a memory location, was worth when the function was entered
  /// (`DW_OP_entry_value`).
  func entryValue(of operations: [DWARFOperation]) throws(ExpressionError) -> ExpressionValue

  /// The `DW_AT_location` expression of a DIE (`DW_OP_call2` and its kin); empty if it has none.
  func expression(ofDIE die: DIEReference) throws(ExpressionError) -> [DWARFOperation]

  /// What the caller passed for the parameter at that DIE (`DW_OP_GNU_parameter_ref`).
  func parameterValue(ofDIE die: DIEReference) throws(ExpressionError) -> ExpressionValue

  /// The value of the variable at that DIE (`DW_OP_GNU_variable_value`).
  func variableValue(ofDIE die: DIEReference) throws(ExpressionError) -> ExpressionValue

  /// The base type at that DIE of the expression's unit (`DW_OP_convert` and its kin).
  func baseType(ofDIE die: DIEReference) throws(ExpressionError) -> ExpressionType
}

/// Where an expression says a DIE is.
public enum DIEReference: Hashable, Sendable {
  /// Bytes from the start of the expression's own unit.
  case unit(UInt64)
  /// Bytes from the start of `.debug_info`.
  case section(UInt64)
}

extension ExpressionContext {
  public var addressSize: UInt8 { 8 }

  public func register(
    _ register: RegisterNumber, as type: ExpressionType
  ) throws(ExpressionError) -> ExpressionValue? {
    guard type.size <= 8 else { throw .unsupportedType(type) }
    guard let value = try self.register(register) else { return nil }
    return ExpressionValue(bits: UInt128(value), type: type)
  }

  public func frameBase() throws(ExpressionError) -> UInt64 { throw .unsupported(.fbreg) }

  public func canonicalFrameAddress() throws(ExpressionError) -> UInt64 {
    throw .unsupported(.callFrameCFA)
  }

  public func relocated(_ address: UInt64) throws(ExpressionError) -> UInt64 { address }

  public func indexedAddress(_ index: UInt64) throws(ExpressionError) -> UInt64 {
    throw .unsupported(.addrx)
  }

  public func indexedConstant(_ index: UInt64) throws(ExpressionError) -> UInt64 {
    throw .unsupported(.constx)
  }

  public func threadLocalAddress(offset: UInt64) throws(ExpressionError) -> UInt64 {
    throw .unsupported(.formTLSAddress)
  }

  public func objectAddress() throws(ExpressionError) -> UInt64 {
    throw .unsupported(.pushObjectAddress)
  }

  public func entryValue(
    of operations: [DWARFOperation]
  ) throws(ExpressionError) -> ExpressionValue {
    throw .unsupported(.entryValue)
  }

  public func expression(
    ofDIE die: DIEReference
  ) throws(ExpressionError) -> [DWARFOperation] {
    throw .unsupported(.call4)
  }

  public func parameterValue(
    ofDIE die: DIEReference
  ) throws(ExpressionError) -> ExpressionValue {
    throw .unsupported(.gnuParameterRef)
  }

  public func variableValue(
    ofDIE die: DIEReference
  ) throws(ExpressionError) -> ExpressionValue {
    throw .unsupported(.gnuVariableValue)
  }

  public func baseType(ofDIE die: DIEReference) throws(ExpressionError) -> ExpressionType {
    throw .unsupported(.convert)
  }
}
