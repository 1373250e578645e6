import Bytes

// What each operation does, but for branches, calls and pieces (DWARF 5, section 2.5).
extension ExpressionEvaluation {
  mutating func execute(_ operation: DWARFOperation) throws(ExpressionError) {
    let code = operation.opcode.rawValue
    switch code {
    case 0x30...0x4f: return try push(UInt64(code - 0x30), operation)
    case 0x50...0x6f: return setLocation(.register(RegisterNumber(UInt16(code - 0x50))))
    case 0x70...0x8f:
      return try pushRegister(UInt64(code - 0x70), plus: operation.operand1, operation)
    default: break
    }
    switch operation.opcode {
    case .addr: try push(try context.relocated(operation.operand1), operation)
    case .const1u, .const1s, .const2u, .const2s, .const4u, .const4s, .const8u, .const8s, .constu,
      .consts:
      try push(operation.operand1, operation)
    case .dup, .drop, .over, .pick, .swap, .rot: try rearrange(operation)
    case .deref, .derefSize, .derefType, .gnuDerefType: try dereference(operation)
    case .abs, .neg, .not: try applyUnary(operation)
    case .and, .or, .xor, .plus, .minus, .mul, .div, .mod, .shl, .shr, .shra, .eq, .ne, .lt, .le,
      .gt, .ge:
      try applyBinary(operation)
    case .plusUconst:
      let value = try pop(operation)
      guard value.isInteger else { throw .typeMismatch(offset: operation.offset) }
      let addend = ExpressionValue(bits: UInt128(operation.operand1), type: value.type)
      try push(try arithmetic(operation).binary(.plus, value, addend), operation)
    case .regx: setLocation(.register(try register(operation.operand1, operation)))
    case .bregx: try pushRegister(operation.operand1, plus: operation.operand2, operation)
    case .stackValue: setLocation(.value(try pop(operation)))
    case .implicitValue:
      guard case .bytes(let bytes) = operation.payload else { throw malformed(operation) }
      setLocation(.bytes(bytes))
    case .implicitPointer, .gnuImplicitPointer:
      setLocation(
        .implicitPointer(
          die: operation.operand1, offset: Int64(bitPattern: operation.operand2)))
    case .constType, .gnuConstType, .regvalType, .gnuRegvalType, .convert, .gnuConvert,
      .reinterpret, .gnuReinterpret:
      try executeTyped(operation)
    default: try askContext(operation)
    }
  }

  private mutating func rearrange(_ operation: DWARFOperation) throws(ExpressionError) {
    switch operation.opcode {
    case .dup: try push(try peek(0, operation), operation)
    case .drop: _ = try pop(operation)
    case .over: try push(try peek(1, operation), operation)
    case .pick: try push(try peek(operation.operand1, operation), operation)
    case .swap:
      _ = try peek(1, operation)
      stack.swapAt(stack.count - 1, stack.count - 2)
    default:
      // rot: the top goes below the next two.
      _ = try peek(2, operation)
      stack.insert(stack.removeLast(), at: stack.count - 2)
    }
  }

  private mutating func pushRegister(
    _ number: UInt64, plus offset: UInt64, _ operation: DWARFOperation
  ) throws(ExpressionError) {
    let register = try register(number, operation)
    guard let value = try context.register(register) else { throw .registerUnknown(register) }
    try push(value &+ offset, operation)
  }

  private func register(
    _ number: UInt64, _ operation: DWARFOperation
  ) throws(ExpressionError) -> RegisterNumber {
    guard let number = UInt16(exactly: number) else { throw malformed(operation) }
    return RegisterNumber(number)
  }

  private func malformed(_ operation: DWARFOperation) -> ExpressionError {
    .misplaced(operation.opcode, offset: operation.offset)
  }

  private mutating func dereference(_ operation: DWARFOperation) throws(ExpressionError) {
    let address = VirtualAddress(try popInteger(operation))
    switch operation.opcode {
    case .deref:
      try push(try load(address, UInt64(context.addressSize), nil, operation), operation)
    case .derefSize:
      guard operation.operand1 <= UInt64(context.addressSize) else {
        throw .invalidSize(operation.operand1, offset: operation.offset)
      }
      try push(try load(address, operation.operand1, nil, operation), operation)
    default:
      let type = try context.baseType(ofDIE: .unit(operation.operand2))
      guard operation.operand1 == UInt64(type.size) else {
        throw .invalidSize(operation.operand1, offset: operation.offset)
      }
      try push(try load(address, operation.operand1, type, operation), operation)
    }
  }

  private func load(
    _ address: VirtualAddress, _ size: UInt64, _ type: ExpressionType?,
    _ operation: DWARFOperation
  ) throws(ExpressionError) -> ExpressionValue {
    guard (1...16).contains(size) else { throw .invalidSize(size, offset: operation.offset) }
    let bytes: ByteView
    do throws(MemoryFault) {
      bytes = try context.memory(at: address, count: size)
    } catch {
      throw .memory(error)
    }
    return ExpressionValue(bits: UInt128(littleEndianBytes: bytes.copy()), type: type)
  }

  private mutating func executeTyped(_ operation: DWARFOperation) throws(ExpressionError) {
    switch operation.opcode {
    case .constType, .gnuConstType:
      let type = try context.baseType(ofDIE: .unit(operation.operand1))
      guard case .bytes(let bytes) = operation.payload, bytes.count == Int(type.size) else {
        throw malformed(operation)
      }
      let bits = UInt128(littleEndianBytes: bytes)
      try push(ExpressionValue(bits: bits, type: type), operation)
    case .regvalType, .gnuRegvalType:
      let register = try register(operation.operand1, operation)
      let type = try context.baseType(ofDIE: .unit(operation.operand2))
      guard let value = try context.register(register, as: type) else {
        throw .registerUnknown(register)
      }
      try push(value, operation)
    default:
      // DIE 0 stands for the generic type.
      let type =
        operation.operand1 == 0
        ? nil : try context.baseType(ofDIE: .unit(operation.operand1))
      let value = try pop(operation)
      let arithmetic = arithmetic(operation)
      let isConversion = operation.opcode == .convert || operation.opcode == .gnuConvert
      try push(
        try isConversion
          ? arithmetic.converted(value, to: type) : arithmetic.reinterpreted(value, as: type),
        operation)
    }
  }

  /// Operations whose answer only the context knows. Unknown ones can't be evaluated.
  private mutating func askContext(_ operation: DWARFOperation) throws(ExpressionError) {
    let operand = operation.operand1
    switch operation.opcode {
    case .fbreg: try push(try context.frameBase() &+ operand, operation)
    case .callFrameCFA: try push(try context.canonicalFrameAddress(), operation)
    case .addrx, .gnuAddrIndex:
      try push(try context.relocated(try context.indexedAddress(operand)), operation)
    case .constx, .gnuConstIndex: try push(try context.indexedConstant(operand), operation)
    case .formTLSAddress, .gnuPushTLSAddress:
      try push(try context.threadLocalAddress(offset: try popInteger(operation)), operation)
    case .pushObjectAddress: try push(try context.objectAddress(), operation)
    case .entryValue, .gnuEntryValue:
      guard case .expression(let inner) = operation.payload else { throw malformed(operation) }
      try push(try context.entryValue(of: inner), operation)
    case .gnuParameterRef:
      try push(try context.parameterValue(ofDIE: .unit(operand)), operation)
    case .gnuVariableValue:
      try push(try context.variableValue(ofDIE: .section(operand)), operation)
    case .gnuEncodedAddr where operand == UInt64(PointerEncoding.absolute.rawValue):
      try push(try context.relocated(operation.operand2), operation)
    default: throw .unsupported(operation.opcode)
    }
  }

  private mutating func applyUnary(_ operation: DWARFOperation) throws(ExpressionError) {
    let value = try pop(operation)
    try push(try arithmetic(operation).unary(operation.opcode, value), operation)
  }

  private mutating func applyBinary(_ operation: DWARFOperation) throws(ExpressionError) {
    let right = try pop(operation)
    let left = try pop(operation)
    try push(try arithmetic(operation).binary(operation.opcode, left, right), operation)
  }

  private func arithmetic(_ operation: DWARFOperation) -> ExpressionArithmetic {
    ExpressionArithmetic(addressSize: context.addressSize, offset: operation.offset)
  }
}

extension UInt128 {
  /// The number that up to 16 bytes store, least significant first.
  init(littleEndianBytes bytes: some Collection<UInt8>) {
    self = bytes.prefix(16).reversed().reduce(0) { $0 << 8 | UInt128($1) }
  }
}
