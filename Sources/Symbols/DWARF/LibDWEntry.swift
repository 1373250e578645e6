import CElfutils

/// One debugging information entry (DIE). Valid as long as its library, which it holds.
@safe
struct Entry {
  let library: LibDW
  // Read by libdw through its address; it caches the abbreviation in it.
  private var die: Dwarf_Die
  /// DW_TAG_…
  let tag: Int

  @unsafe
  init(library: LibDW, die: Dwarf_Die) {
    self.library = library
    unsafe self.die = die
    // libdw gives `DW_TAG_invalid`, 0, for an entry it can't parse.
    unsafe tag = Int(dwarf_tag(&self.die))
  }

  /// A libdw call on a private copy of the entry: libdw takes a mutable pointer, but changes only
  /// what it caches.
  private func with<Result>(_ body: (UnsafeMutablePointer<Dwarf_Die>) -> Result) -> Result {
    var copy = unsafe die
    return unsafe body(&copy)
  }

  // MARK: Identity

  /// Bits 63–62 of an identifier: 0, `.debug_info` of the module; 1, of the alternate file;
  /// 2, `.debug_types` of the module; 3, a split unit's file, with the file's number in bits 60–40,
  /// bit 39 set for its `.debug_types`. Bit 61 is `TypeID`'s.
  var id: EntryID {
    let offset = unsafe with { unsafe dwarf_dieoffset($0) }
    guard let owner = unsafe dwarf_cu_getdwarf(die.cu) else { return EntryID(offset) }
    switch unsafe library.number(of: owner) {
    case 0:
      return EntryID(library.hasTypesSection && isInTypesSection ? offset | 2 << 62 : offset)
    case 1: return EntryID(offset | 1 << 62)
    case let number:
      return EntryID(offset | 3 << 62 | number << 40 | (isInTypesSection ? 1 << 39 : 0))
    }
  }

  private var isInTypesSection: Bool {
    var version: UInt16 = 0
    var type: UInt8 = 0
    guard unsafe dwarf_cu_info(die.cu, &version, &type, nil, nil, nil, nil, nil) == 0 else {
      return false
    }
    return version < 5 && Int(type) == DW_UT_type
  }

  /// The entry that `id` stands for; nil if there is none, or none can be parsed there.
  init?(library: LibDW, id: EntryID) {
    let raw = id.rawValue
    var found = unsafe Dwarf_Die()
    let result: UnsafeMutablePointer<Dwarf_Die>?
    switch raw >> 62 {
    case 0: unsafe result = dwarf_offdie(library.handle, raw, &found)
    case 1:
      guard let handle = unsafe library.handle(numbered: 1) else { return nil }
      unsafe result = dwarf_offdie(handle, raw & (1 << 62 - 1), &found)
    case 2: unsafe result = dwarf_offdie_types(library.handle, raw & (1 << 62 - 1), &found)
    default:
      guard let handle = unsafe library.handle(numbered: raw >> 40 & (1 << 21 - 1)) else {
        return nil
      }
      let offset = raw & (1 << 39 - 1)
      unsafe result =
        raw & 1 << 39 == 0
        ? dwarf_offdie(handle, offset, &found) : dwarf_offdie_types(handle, offset, &found)
    }
    guard unsafe result != nil else { return nil }
    unsafe self.init(library: library, die: found)
    guard tag != DW_TAG_invalid else { return nil }
  }

  /// From the start of its section, for messages and for telling entries of one unit apart.
  var offset: UInt64 { unsafe with { unsafe dwarf_dieoffset($0) } }

  /// Where its unit starts in the section.
  var unitOffset: UInt64 {
    let distance = unsafe with { unsafe dwarf_cuoffset($0) }
    return offset &- distance
  }

  func malformed(_ what: String) -> SymbolError {
    .malformed(what: what, offset: offset, reason: LibDW.lastMessage())
  }

  // MARK: The tree

  /// The outermost entry of this one's unit.
  var unitRoot: Entry? {
    var root = unsafe Dwarf_Die()
    guard unsafe with({ unsafe dwarf_diecu($0, &root, nil, nil) }) != nil else { return nil }
    return unsafe Entry(library: library, die: root)
  }

  /// For the root of a skeleton unit, the root of the split unit that goes with it, if libdw finds
  /// its file (it looks for `DW_AT_dwo_name` in the compilation directory).
  var splitRoot: Entry? {
    var root = unsafe Dwarf_Die()
    guard unsafe dwarf_cu_info(die.cu, nil, nil, nil, &root, nil, nil, nil) == 0,
      unsafe root.addr != nil
    else { return nil }
    let entry = unsafe Entry(library: library, die: root)
    return entry.tag == DW_TAG_compile_unit ? entry : nil
  }

  var hasChildren: Bool { unsafe with { unsafe dwarf_haschildren($0) } > 0 }

  /// Calls `body` with each child until it gives false.
  func forEachChild(
    _ body: (Entry) throws(SymbolError) -> Bool
  ) throws(SymbolError) {
    var child = unsafe Dwarf_Die()
    var result = unsafe with { unsafe dwarf_child($0, &child) }
    while result == 0 {
      let entry = unsafe Entry(library: library, die: child)
      if try !body(entry) { return }
      result = unsafe entry.with { unsafe dwarf_siblingof($0, &child) }
    }
    if result < 0 { throw malformed("children of the entry") }
  }

  // MARK: Attributes

  func has(_ attribute: Int) -> Bool {
    unsafe with { unsafe dwarf_hasattr($0, UInt32(attribute)) } != 0
  }

  /// Calls `body` with the attribute, if the entry (or, when `integrated`, the entry that it
  /// completes or is an instance of) has it.
  private func withAttribute<Result>(
    _ attribute: Int, integrated: Bool,
    _ body: (inout Dwarf_Attribute) throws(SymbolError) -> Result?
  ) throws(SymbolError) -> Result? {
    var value = unsafe Dwarf_Attribute()
    let found = unsafe with {
      unsafe integrated
        ? dwarf_attr_integrate($0, UInt32(attribute), &value)
        : dwarf_attr($0, UInt32(attribute), &value)
    }
    guard unsafe found != nil else { return nil }
    return unsafe try body(&value)
  }

  /// A string attribute; nil if it's absent.
  func string(_ attribute: Int, integrated: Bool = false) throws(SymbolError) -> String? {
    unsafe try withAttribute(attribute, integrated: integrated) {
      value throws(SymbolError) -> String? in
      guard let text = unsafe dwarf_formstring(&value) else { throw malformed("string") }
      return unsafe String(cString: text)
    }
  }

  /// The first of several string attributes that is there.
  func string(
    anyOf attributes: [Int], integrated: Bool = false
  ) throws(SymbolError) -> String? {
    for attribute in attributes {
      if let text = try string(attribute, integrated: integrated) { return text }
    }
    return nil
  }

  /// Whether `DW_AT_name` is exactly `name`, without making a string of it.
  func isNamed(_ name: CName, integrated: Bool = false) -> Bool {
    guard var value = unsafe attribute(DW_AT_name, integrated: integrated),
      let text = unsafe dwarf_formstring(&value)
    else { return false }
    // Safe: both end in a NUL, and the comparison stops at the first.
    return unsafe name.bytes.withUnsafeBufferPointer { wanted in
      for index in wanted.indices {
        if unsafe text[index] != wanted[index] { return false }
      }
      return true
    }
  }

  /// An unsigned number; nil if it's absent.
  func unsigned(_ attribute: Int, integrated: Bool = false) throws(SymbolError) -> UInt64? {
    unsafe try withAttribute(attribute, integrated: integrated) {
      value throws(SymbolError) -> UInt64? in
      var number: Dwarf_Word = 0
      guard unsafe dwarf_formudata(&value, &number) == 0 else { throw malformed("number") }
      return number
    }
  }

  /// A signed number; nil if it's absent.
  func signed(_ attribute: Int, integrated: Bool = false) throws(SymbolError) -> Int64? {
    unsafe try withAttribute(attribute, integrated: integrated) {
      value throws(SymbolError) -> Int64? in
      var number: Dwarf_Sword = 0
      guard unsafe dwarf_formsdata(&value, &number) == 0 else { throw malformed("number") }
      return Int64(number)
    }
  }

  /// A flag; false if it's absent.
  func flag(_ attribute: Int, integrated: Bool = false) -> Bool {
    var value = unsafe Dwarf_Attribute()
    let found = unsafe with {
      unsafe integrated
        ? dwarf_attr_integrate($0, UInt32(attribute), &value)
        : dwarf_attr($0, UInt32(attribute), &value)
    }
    guard unsafe found != nil else { return false }
    var isSet = false
    guard unsafe dwarf_formflag(&value, &isSet) == 0 else { return false }
    return isSet
  }

  /// The entry that an attribute refers to; nil if it's absent.
  func reference(_ attribute: Int, integrated: Bool = false) throws(SymbolError) -> Entry? {
    unsafe try withAttribute(attribute, integrated: integrated) {
      value throws(SymbolError) -> Entry? in
      var target = unsafe Dwarf_Die()
      guard unsafe dwarf_formref_die(&value, &target) != nil else { throw malformed("reference") }
      let entry = unsafe Entry(library: library, die: target)
      guard entry.tag != DW_TAG_invalid else { throw malformed("referenced entry") }
      return entry
    }
  }

  /// DW_FORM_… of an attribute; nil if it's absent.
  func form(_ attribute: Int, integrated: Bool = false) -> Int? {
    guard var value = unsafe self.attribute(attribute, integrated: integrated) else { return nil }
    return unsafe Int(dwarf_whatform(&value))
  }

  /// A block's bytes; nil if the attribute is absent or no block.
  func block(_ attribute: Int, integrated: Bool = false) throws(SymbolError) -> [UInt8]? {
    unsafe try withAttribute(attribute, integrated: integrated) {
      value throws(SymbolError) -> [UInt8]? in
      var block = unsafe Dwarf_Block()
      guard unsafe dwarf_formblock(&value, &block) == 0 else { return nil }
      return unsafe Array(UnsafeBufferPointer(start: block.data, count: Int(block.length)))
    }
  }

  /// Calls `body` with a copy of the attribute for the expression reader; nil if it's absent.
  @unsafe
  func attribute(_ attribute: Int, integrated: Bool) -> Dwarf_Attribute? {
    var value = unsafe Dwarf_Attribute()
    let found = unsafe with {
      unsafe integrated
        ? dwarf_attr_integrate($0, UInt32(attribute), &value)
        : dwarf_attr($0, UInt32(attribute), &value)
    }
    return unsafe found == nil ? nil : value
  }

  // MARK: Code addresses

  /// An address attribute; nil if it's absent.
  func address(_ attribute: Int, integrated: Bool = false) throws(SymbolError) -> UInt64? {
    unsafe try withAttribute(attribute, integrated: integrated) {
      value throws(SymbolError) -> UInt64? in
      var address: Dwarf_Addr = 0
      guard unsafe dwarf_formaddr(&value, &address) == 0 else { throw malformed("address") }
      return address
    }
  }

  /// How many ranges one entry may have before it's taken for damaged.
  static let rangeLimit = 100_000

  /// The code that the entry covers (`DW_AT_low_pc` and `DW_AT_high_pc`, or `DW_AT_ranges`), in the
  /// order recorded; empty ranges are left out.
  func ranges() throws(SymbolError) -> [Range<UInt64>] {
    var ranges: [Range<UInt64>] = []
    var base: Dwarf_Addr = 0
    var start: Dwarf_Addr = 0
    var end: Dwarf_Addr = 0
    var position = 0
    repeat {
      position = unsafe with { unsafe dwarf_ranges($0, position, &base, &start, &end) }
      if position < 0 { throw malformed("address ranges") }
      if position > 0, start < end {
        guard ranges.count < Self.rangeLimit else {
          throw .malformed(what: "address ranges", offset: offset, reason: "too many")
        }
        ranges.append(start..<end)
      }
    } while position > 0
    return ranges
  }

  /// Whether the entry says which code it covers, if only that it covers none.
  var statesRanges: Bool { has(DW_AT_low_pc) || has(DW_AT_ranges) }

  /// `DW_AT_entry_pc`, else `DW_AT_low_pc`.
  func entryAddress() -> UInt64? {
    var address: Dwarf_Addr = 0
    return unsafe with { unsafe dwarf_entrypc($0, &address) } == 0 ? address : nil
  }
}

/// A name to compare with entries' names: its bytes with a NUL.
struct CName {
  fileprivate let bytes: ContiguousArray<CChar>
  init(_ name: some StringProtocol) { bytes = ContiguousArray(String(name).utf8CString) }
}
