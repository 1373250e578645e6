/// The operations by name (DWARF 5, table 7.9; the GNU ones are described in binutils'
/// include/dwarf2.def).
extension DWARFOpcode {
  public static let addr = DWARFOpcode(rawValue: 0x03)
  public static let deref = DWARFOpcode(rawValue: 0x06)
  public static let const1u = DWARFOpcode(rawValue: 0x08)
  public static let const1s = DWARFOpcode(rawValue: 0x09)
  public static let const2u = DWARFOpcode(rawValue: 0x0a)
  public static let const2s = DWARFOpcode(rawValue: 0x0b)
  public static let const4u = DWARFOpcode(rawValue: 0x0c)
  public static let const4s = DWARFOpcode(rawValue: 0x0d)
  public static let const8u = DWARFOpcode(rawValue: 0x0e)
  public static let const8s = DWARFOpcode(rawValue: 0x0f)
  public static let constu = DWARFOpcode(rawValue: 0x10)
  public static let consts = DWARFOpcode(rawValue: 0x11)
  public static let dup = DWARFOpcode(rawValue: 0x12)
  public static let drop = DWARFOpcode(rawValue: 0x13)
  public static let over = DWARFOpcode(rawValue: 0x14)
  public static let pick = DWARFOpcode(rawValue: 0x15)
  public static let swap = DWARFOpcode(rawValue: 0x16)
  public static let rot = DWARFOpcode(rawValue: 0x17)
  public static let xderef = DWARFOpcode(rawValue: 0x18)
  public static let abs = DWARFOpcode(rawValue: 0x19)
  public static let and = DWARFOpcode(rawValue: 0x1a)
  public static let div = DWARFOpcode(rawValue: 0x1b)
  public static let minus = DWARFOpcode(rawValue: 0x1c)
  public static let mod = DWARFOpcode(rawValue: 0x1d)
  public static let mul = DWARFOpcode(rawValue: 0x1e)
  public static let neg = DWARFOpcode(rawValue: 0x1f)
  public static let not = DWARFOpcode(rawValue: 0x20)
  public static let or = DWARFOpcode(rawValue: 0x21)
  public static let plus = DWARFOpcode(rawValue: 0x22)
  public static let plusUconst = DWARFOpcode(rawValue: 0x23)
  public static let shl = DWARFOpcode(rawValue: 0x24)
  public static let shr = DWARFOpcode(rawValue: 0x25)
  public static let shra = DWARFOpcode(rawValue: 0x26)
  public static let xor = DWARFOpcode(rawValue: 0x27)
  public static let bra = DWARFOpcode(rawValue: 0x28)
  public static let eq = DWARFOpcode(rawValue: 0x29)
  public static let ge = DWARFOpcode(rawValue: 0x2a)
  public static let gt = DWARFOpcode(rawValue: 0x2b)
  public static let le = DWARFOpcode(rawValue: 0x2c)
  public static let lt = DWARFOpcode(rawValue: 0x2d)
  public static let ne = DWARFOpcode(rawValue: 0x2e)
  public static let skip = DWARFOpcode(rawValue: 0x2f)
  public static let regx = DWARFOpcode(rawValue: 0x90)
  public static let fbreg = DWARFOpcode(rawValue: 0x91)
  public static let bregx = DWARFOpcode(rawValue: 0x92)
  public static let piece = DWARFOpcode(rawValue: 0x93)
  public static let derefSize = DWARFOpcode(rawValue: 0x94)
  public static let xderefSize = DWARFOpcode(rawValue: 0x95)
  public static let nop = DWARFOpcode(rawValue: 0x96)
  public static let pushObjectAddress = DWARFOpcode(rawValue: 0x97)
  public static let call2 = DWARFOpcode(rawValue: 0x98)
  public static let call4 = DWARFOpcode(rawValue: 0x99)
  public static let callRef = DWARFOpcode(rawValue: 0x9a)
  public static let formTLSAddress = DWARFOpcode(rawValue: 0x9b)
  public static let callFrameCFA = DWARFOpcode(rawValue: 0x9c)
  public static let bitPiece = DWARFOpcode(rawValue: 0x9d)
  public static let implicitValue = DWARFOpcode(rawValue: 0x9e)
  public static let stackValue = DWARFOpcode(rawValue: 0x9f)
  public static let implicitPointer = DWARFOpcode(rawValue: 0xa0)
  public static let addrx = DWARFOpcode(rawValue: 0xa1)
  public static let constx = DWARFOpcode(rawValue: 0xa2)
  public static let entryValue = DWARFOpcode(rawValue: 0xa3)
  public static let constType = DWARFOpcode(rawValue: 0xa4)
  public static let regvalType = DWARFOpcode(rawValue: 0xa5)
  public static let derefType = DWARFOpcode(rawValue: 0xa6)
  public static let xderefType = DWARFOpcode(rawValue: 0xa7)
  public static let convert = DWARFOpcode(rawValue: 0xa8)
  public static let reinterpret = DWARFOpcode(rawValue: 0xa9)
  public static let gnuPushTLSAddress = DWARFOpcode(rawValue: 0xe0)
  public static let gnuUninit = DWARFOpcode(rawValue: 0xf0)
  public static let gnuEncodedAddr = DWARFOpcode(rawValue: 0xf1)
  public static let gnuImplicitPointer = DWARFOpcode(rawValue: 0xf2)
  public static let gnuEntryValue = DWARFOpcode(rawValue: 0xf3)
  public static let gnuConstType = DWARFOpcode(rawValue: 0xf4)
  public static let gnuRegvalType = DWARFOpcode(rawValue: 0xf5)
  public static let gnuDerefType = DWARFOpcode(rawValue: 0xf6)
  public static let gnuConvert = DWARFOpcode(rawValue: 0xf7)
  public static let gnuReinterpret = DWARFOpcode(rawValue: 0xf9)
  public static let gnuParameterRef = DWARFOpcode(rawValue: 0xfa)
  public static let gnuAddrIndex = DWARFOpcode(rawValue: 0xfb)
  public static let gnuConstIndex = DWARFOpcode(rawValue: 0xfc)
  public static let gnuVariableValue = DWARFOpcode(rawValue: 0xfd)

  /// `DW_OP_lit0` … `DW_OP_lit31`.
  public static func lit(_ number: UInt8) -> DWARFOpcode {
    DWARFOpcode(rawValue: 0x30 + min(number, 31))
  }

  /// `DW_OP_reg0` … `DW_OP_reg31`.
  public static func reg(_ register: UInt16) -> DWARFOpcode {
    DWARFOpcode(rawValue: 0x50 + UInt8(min(register, 31)))
  }

  /// `DW_OP_breg0` … `DW_OP_breg31`.
  public static func breg(_ register: UInt16) -> DWARFOpcode {
    DWARFOpcode(rawValue: 0x70 + UInt8(min(register, 31)))
  }
}

extension DWARFOpcode: CustomStringConvertible {
  /// The name as readelf prints it; a number if it has none.
  public var description: String {
    switch rawValue {
    case 0x30...0x4f: "DW_OP_lit\(rawValue - 0x30)"
    case 0x50...0x6f: "DW_OP_reg\(rawValue - 0x50)"
    case 0x70...0x8f: "DW_OP_breg\(rawValue - 0x70)"
    default: Self.names[rawValue] ?? "DW_OP_\(rawValue)"
    }
  }

  private static let names: [UInt8: String] = [
    0x03: "DW_OP_addr",
    0x06: "DW_OP_deref",
    0x08: "DW_OP_const1u",
    0x09: "DW_OP_const1s",
    0x0a: "DW_OP_const2u",
    0x0b: "DW_OP_const2s",
    0x0c: "DW_OP_const4u",
    0x0d: "DW_OP_const4s",
    0x0e: "DW_OP_const8u",
    0x0f: "DW_OP_const8s",
    0x10: "DW_OP_constu",
    0x11: "DW_OP_consts",
    0x12: "DW_OP_dup",
    0x13: "DW_OP_drop",
    0x14: "DW_OP_over",
    0x15: "DW_OP_pick",
    0x16: "DW_OP_swap",
    0x17: "DW_OP_rot",
    0x18: "DW_OP_xderef",
    0x19: "DW_OP_abs",
    0x1a: "DW_OP_and",
    0x1b: "DW_OP_div",
    0x1c: "DW_OP_minus",
    0x1d: "DW_OP_mod",
    0x1e: "DW_OP_mul",
    0x1f: "DW_OP_neg",
    0x20: "DW_OP_not",
    0x21: "DW_OP_or",
    0x22: "DW_OP_plus",
    0x23: "DW_OP_plus_uconst",
    0x24: "DW_OP_shl",
    0x25: "DW_OP_shr",
    0x26: "DW_OP_shra",
    0x27: "DW_OP_xor",
    0x28: "DW_OP_bra",
    0x29: "DW_OP_eq",
    0x2a: "DW_OP_ge",
    0x2b: "DW_OP_gt",
    0x2c: "DW_OP_le",
    0x2d: "DW_OP_lt",
    0x2e: "DW_OP_ne",
    0x2f: "DW_OP_skip",
    0x90: "DW_OP_regx",
    0x91: "DW_OP_fbreg",
    0x92: "DW_OP_bregx",
    0x93: "DW_OP_piece",
    0x94: "DW_OP_deref_size",
    0x95: "DW_OP_xderef_size",
    0x96: "DW_OP_nop",
    0x97: "DW_OP_push_object_address",
    0x98: "DW_OP_call2",
    0x99: "DW_OP_call4",
    0x9a: "DW_OP_call_ref",
    0x9b: "DW_OP_form_tls_address",
    0x9c: "DW_OP_call_frame_cfa",
    0x9d: "DW_OP_bit_piece",
    0x9e: "DW_OP_implicit_value",
    0x9f: "DW_OP_stack_value",
    0xa0: "DW_OP_implicit_pointer",
    0xa1: "DW_OP_addrx",
    0xa2: "DW_OP_constx",
    0xa3: "DW_OP_entry_value",
    0xa4: "DW_OP_const_type",
    0xa5: "DW_OP_regval_type",
    0xa6: "DW_OP_deref_type",
    0xa7: "DW_OP_xderef_type",
    0xa8: "DW_OP_convert",
    0xa9: "DW_OP_reinterpret",
    0xe0: "DW_OP_GNU_push_tls_address",
    0xf0: "DW_OP_GNU_uninit",
    0xf1: "DW_OP_GNU_encoded_addr",
    0xf2: "DW_OP_GNU_implicit_pointer",
    0xf3: "DW_OP_GNU_entry_value",
    0xf4: "DW_OP_GNU_const_type",
    0xf5: "DW_OP_GNU_regval_type",
    0xf6: "DW_OP_GNU_deref_type",
    0xf7: "DW_OP_GNU_convert",
    0xf9: "DW_OP_GNU_reinterpret",
    0xfa: "DW_OP_GNU_parameter_ref",
    0xfb: "DW_OP_GNU_addr_index",
    0xfc: "DW_OP_GNU_const_index",
    0xfd: "DW_OP_GNU_variable_value",
  ]
}
