import CElfutils

/// One compilation unit, with what has been worked out about it so far.
final class Unit {
  /// The outermost entry in the module's own `.debug_info`.
  let skeleton: Entry
  /// The outermost entry of the tree: in a split unit's file, if there is one; else `skeleton`.
  let root: Entry
  let offset: UInt64
  let language: SourceLanguage
  let name: String?
  /// The compilation directory.
  let directory: String?
  /// Set when the unit is split and its other half couldn't be found: the path recorded for it.
  let missingSplitFile: String?

  /// Read when first needed; `.some(nil)` when the unit has none.
  var lineTable: LineTable??
  /// Functions directly in the unit and its namespaces.
  var functions: FunctionIndex?
  /// All functions, nested ones too.
  var deepFunctions: FunctionIndex?
  /// What stands before the name of each entry inside a namespace or type, by the entry's offset.
  var prefixes: [UInt64: String]?

  init(_ header: UnitHeader) throws(SymbolError) {
    skeleton = header.root
    offset = header.root.unitOffset
    let splitName = try skeleton.string(anyOf: [DW_AT_dwo_name, DW_AT_GNU_dwo_name])
    if splitName != nil, let split = skeleton.splitRoot {
      root = split
      missingSplitFile = nil
    } else {
      root = skeleton
      missingSplitFile = splitName
    }
    let ownName = try root.string(DW_AT_name)
    name = ownName == nil ? try skeleton.string(DW_AT_name) : ownName
    let ownDirectory = try skeleton.string(DW_AT_comp_dir)
    directory = ownDirectory == nil ? try root.string(DW_AT_comp_dir) : ownDirectory
    language = SourceLanguage(code: try root.unsigned(DW_AT_language))
  }

  /// Everything but full compilation units holds no code: partial units are imported by others,
  /// type units hold types.
  static func holdsCode(_ header: UnitHeader) -> Bool {
    header.root.tag == DW_TAG_compile_unit || header.root.tag == DW_TAG_skeleton_unit
  }
}

extension SourceLanguage {
  /// From DW_LANG_… (DWARF 5, table 7.17, and the codes assigned since).
  init(code: UInt64?) {
    guard let code else {
      self = .other(0)
      return
    }
    switch Int(code) {
    case DW_LANG_C89, DW_LANG_C, DW_LANG_C99, DW_LANG_C11: self = .c
    case 0x2c: self = .c  // DW_LANG_C17
    case DW_LANG_C_plus_plus, DW_LANG_C_plus_plus_03, DW_LANG_C_plus_plus_11,
      DW_LANG_C_plus_plus_14:
      self = .cPlusPlus
    case 0x2b, 0x2e: self = .cPlusPlus  // DW_LANG_C_plus_plus_20, _17
    case DW_LANG_Rust: self = .rust
    case DW_LANG_Swift: self = .swift
    case 0x8001: self = .assembler  // DW_LANG_Mips_Assembler, what GNU as gives
    default: self = .other(code)
    }
  }
}
