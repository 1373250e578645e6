public import Bytes

/// Decodes the bytes of DWARF expressions (DWARF 5, sections 2.5 and 7.7).
///
/// What a `DWARFOperation` holds:
///
///     operation                          operand1              operand2      payload
///     constants, addresses, indices      the number
///     DW_OP_bregN, fbreg                 offset (signed)
///     DW_OP_bregx                        register              offset
///     DW_OP_bra, skip                    distance from the next operation (signed)
///     DW_OP_piece; bit_piece             bytes; bits           –; bit offset
///     DW_OP_implicit_value                                                   the block
///     DW_OP_entry_value                                                      the expression
///     DW_OP_implicit_pointer             DIE (.debug_info)     offset
///     DW_OP_call2, call4, parameter_ref  DIE (in the unit)
///     DW_OP_call_ref, variable_value     DIE (.debug_info)
///     DW_OP_const_type                   type DIE (in the unit)              the block
///     DW_OP_regval_type                  register              type DIE (in the unit)
///     DW_OP_deref_type, xderef_type      bytes                 type DIE (in the unit)
///     DW_OP_convert, reinterpret         type DIE (in the unit), or 0 for the generic type
///     DW_OP_GNU_encoded_addr             encoding              the number as stored
public enum DWARFExpression {
  /// The operations in `bytes`. `offsetSize` is 4, or 8 in 64-bit DWARF: the size of a
  /// `.debug_info` offset. Throws `.bytes`, `.unknownOpcode` or `.nestingLimit`.
  public static func decode(
    _ bytes: ByteView, addressSize: UInt8 = 8, offsetSize: UInt8 = 4,
    order: ByteOrder = .littleEndian
  ) throws(ExpressionError) -> [DWARFOperation] {
    let decoder = Decoder(addressSize: addressSize, offsetSize: offsetSize, order: order)
    return try decoder.operations(in: bytes, nesting: 0)
  }

  /// What follows an opcode.
  private enum Form {
    case unsigned(UInt8)
    case signed(UInt8)
    case none, uleb, sleb, address, sectionOffset
    case ulebULEB, ulebSLEB, byteULEB, sectionOffsetSLEB
    case block, expression, ulebByteBlock, encodedAddress
  }

  /// The operands of `opcode` (DWARF 5, section 7.7.1), or nil if nobody defines it.
  private static func form(of opcode: DWARFOpcode) -> Form? {
    switch opcode.rawValue {
    case 0x30...0x6f: return .some(.none)
    case 0x70...0x8f: return .sleb
    default: break
    }
    switch opcode {
    case .dup, .drop, .over, .swap, .rot, .deref, .xderef, .abs, .and, .div, .minus, .mod, .mul,
      .neg, .not, .or, .plus, .shl, .shr, .shra, .xor, .eq, .ge, .gt, .le, .lt, .ne, .nop,
      .pushObjectAddress, .formTLSAddress, .callFrameCFA, .stackValue, .gnuPushTLSAddress,
      .gnuUninit:
      return .some(.none)
    case .addr: return .address
    case .const1u, .pick, .derefSize, .xderefSize: return .unsigned(1)
    case .const2u, .call2: return .unsigned(2)
    case .const4u, .call4, .gnuParameterRef: return .unsigned(4)
    case .const8u: return .unsigned(8)
    case .const1s: return .signed(1)
    case .const2s, .bra, .skip: return .signed(2)
    case .const4s: return .signed(4)
    case .const8s: return .signed(8)
    case .constu, .plusUconst, .regx, .piece, .addrx, .constx, .convert, .reinterpret,
      .gnuAddrIndex, .gnuConstIndex, .gnuConvert, .gnuReinterpret:
      return .uleb
    case .consts, .fbreg: return .sleb
    case .bregx: return .ulebSLEB
    case .bitPiece, .regvalType, .gnuRegvalType: return .ulebULEB
    case .derefType, .gnuDerefType, .xderefType: return .byteULEB
    case .callRef, .gnuVariableValue: return .sectionOffset
    case .implicitPointer, .gnuImplicitPointer: return .sectionOffsetSLEB
    case .implicitValue: return .block
    case .entryValue, .gnuEntryValue: return .expression
    case .constType, .gnuConstType: return .ulebByteBlock
    case .gnuEncodedAddr: return .encodedAddress
    default: return nil
    }
  }

  private struct Decoder {
    let addressSize: UInt8
    let offsetSize: UInt8
    let order: ByteOrder

    func operations(in bytes: ByteView, nesting: Int) throws(ExpressionError) -> [DWARFOperation] {
      guard nesting < ExpressionLimits.nesting else { throw .nestingLimit }
      var cursor = ByteCursor(bytes, order: order)
      var operations: [DWARFOperation] = []
      while !cursor.isAtEnd {
        let offset = cursor.offset
        let opcode: DWARFOpcode
        let form: Form
        do throws(ByteError) {
          opcode = DWARFOpcode(rawValue: try cursor.read())
        } catch {
          throw .bytes(error)
        }
        guard let known = DWARFExpression.form(of: opcode) else {
          throw .unknownOpcode(opcode, offset: offset)
        }
        form = known
        if case .expression = form {
          let inner: ByteView
          do throws(ByteError) {
            inner = try cursor.readBytes(try cursor.readULEB128())
          } catch {
            throw .bytes(error)
          }
          let expression = try self.operations(in: inner, nesting: nesting + 1)
          operations.append(
            DWARFOperation(opcode, offset: offset, payload: .expression(expression)))
        } else {
          do throws(ByteError) {
            operations.append(try operation(opcode, form, at: offset, &cursor))
          } catch {
            throw .bytes(error)
          }
        }
      }
      return operations
    }

    private func operation(
      _ opcode: DWARFOpcode, _ form: Form, at offset: UInt64, _ cursor: inout ByteCursor
    ) throws(ByteError) -> DWARFOperation {
      var first: UInt64 = 0
      var second: UInt64 = 0
      var payload = DWARFOperation.Payload.none
      switch form {
      case .none, .expression: break
      case .unsigned(let size): first = try cursor.readUnsigned(size: size)
      case .signed(let size): first = try cursor.readSigned(size: size)
      case .uleb: first = try cursor.readULEB128()
      case .sleb: first = try cursor.readSignedLEB128Bits()
      case .address: first = try cursor.readUnsigned(size: addressSize)
      case .sectionOffset: first = try cursor.readUnsigned(size: offsetSize)
      case .ulebULEB:
        first = try cursor.readULEB128()
        second = try cursor.readULEB128()
      case .ulebSLEB:
        first = try cursor.readULEB128()
        second = try cursor.readSignedLEB128Bits()
      case .byteULEB:
        first = UInt64(try cursor.read(UInt8.self))
        second = try cursor.readULEB128()
      case .sectionOffsetSLEB:
        first = try cursor.readUnsigned(size: offsetSize)
        second = try cursor.readSignedLEB128Bits()
      case .block:
        payload = .bytes(try cursor.readBytes(try cursor.readULEB128()).copy())
      case .ulebByteBlock:
        first = try cursor.readULEB128()
        let count = try cursor.read(UInt8.self)
        payload = .bytes(try cursor.readBytes(UInt64(count)).copy())
      case .encodedAddress:
        let encoding = PointerEncoding(rawValue: try cursor.read())
        first = UInt64(encoding.rawValue)
        second = try encoding.readStored(&cursor, addressSize: addressSize)
      }
      return DWARFOperation(opcode, first, second, offset: offset, payload: payload)
    }
  }
}

extension ByteCursor {
  /// An unsigned integer of 1, 2, 4 or 8 bytes; any other size reads 8.
  mutating func readUnsigned(size: UInt8) throws(ByteError) -> UInt64 {
    switch size {
    case 1: UInt64(try read(UInt8.self))
    case 2: UInt64(try read(UInt16.self))
    case 4: UInt64(try read(UInt32.self))
    default: try read(UInt64.self)
    }
  }

  /// The same, extended with the sign.
  mutating func readSigned(size: UInt8) throws(ByteError) -> UInt64 {
    switch size {
    case 1: UInt64(bitPattern: Int64(try read(Int8.self)))
    case 2: UInt64(bitPattern: Int64(try read(Int16.self)))
    case 4: UInt64(bitPattern: Int64(try read(Int32.self)))
    default: try read(UInt64.self)
    }
  }

  mutating func readSignedLEB128Bits() throws(ByteError) -> UInt64 {
    UInt64(bitPattern: try readSLEB128())
  }
}
