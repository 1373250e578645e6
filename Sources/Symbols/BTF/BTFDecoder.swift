/// Makes nodes of entries.
struct BTFDecoder {
  private let types: BTFTypes

  init(_ types: BTFTypes) { self.types = types }

  /// BTF doesn't tell how wide pointers are; the kernels that have it and are supported are 64-bit.
  static let pointerSize: UInt64 = 8

  /// The node of one of `types`' own entries.
  func node(_ id: TypeID) throws(SymbolError) -> TypeNode {
    let (entry, kind) = try types.entry(id.rawValue)
    switch kind {
    case .integer: return try integer(entry)
    case .pointer: return .pointer(to: reference(entry), size: Self.pointerSize)
    case .array: return try array(entry)
    case .structure: return try record(entry, .structure)
    case .union: return try record(entry, .union)
    case .enumeration: return try enumeration(entry, isWide: false)
    case .enumeration64: return try enumeration(entry, isWide: true)
    case .forward:
      return .record(
        RecordNode(
          kind: entry.flag ? .union : .structure, name: try name(entry), size: 0,
          isDeclaration: true, members: []))
    case .typedef: return .typedef(name: try name(entry) ?? "", of: reference(entry))
    case .volatile: return .qualified(.volatile, of: reference(entry))
    case .const: return .qualified(.const, of: reference(entry))
    case .restrict: return .qualified(.restrict, of: reference(entry))
    case .prototype: return try prototype(entry)
    case .float:
      return .base(
        name: try name(entry) ?? "", encoding: .float, size: UInt64(entry.sizeOrType))
    case .typeTag:
      guard let target = types.reference(UInt32(truncatingIfNeeded: id.rawValue)) else {
        return .unspecified(name: "void")
      }
      guard target != id else { throw .tooDeep(what: "type tag", limit: TypeReference.depthLimit) }
      return try types.node(target)
    case .function, .variable, .section, .declarationTag: throw .unknownType(id.rawValue)
    }
  }

  // MARK: Parts

  private func reference(_ entry: BTFEntry) -> TypeID? { types.reference(entry.sizeOrType) }

  private func name(_ entry: BTFEntry) throws(SymbolError) -> String? {
    try types.name(at: entry.nameOffset)
  }

  /// The word at `index` of those that follow the first 12 bytes of `entry`.
  private func word(_ index: UInt64, _ entry: BTFEntry) throws(SymbolError) -> UInt32 {
    try types.word(at: entry.offset + BTFEntry.size + 4 * index)
  }

  // MARK: Kinds

  /// A word follows: bits 27…24 are the encoding, 23…16 the first bit that counts, 7…0 how many do.
  /// The encoding's CHAR is used by nobody: characters are known by their names.
  private func integer(_ entry: BTFEntry) throws(SymbolError) -> TypeNode {
    let word = try word(0, entry)
    let name = try name(entry) ?? ""
    let isSigned = word >> 24 & 1 == 1
    let isCharacter = word >> 24 & 2 == 2 || Self.characterNames.contains(name)
    let encoding: BaseEncoding
    if word >> 24 & 4 == 4 {
      encoding = .boolean
    } else if isCharacter {
      encoding = isSigned ? .signedCharacter : .unsignedCharacter
    } else {
      encoding = isSigned ? .signed : .unsigned
    }
    return .base(name: name, encoding: encoding, size: UInt64(entry.sizeOrType))
  }

  private static let characterNames: Set<String> = ["char", "signed char", "unsigned char"]

  /// Three words follow: the elements' type, the index's type, the count.
  private func array(_ entry: BTFEntry) throws(SymbolError) -> TypeNode {
    .array(
      element: types.reference(try word(0, entry)),
      dimensions: [Dimension(count: UInt64(try word(2, entry)))], isVector: false)
  }

  /// For each member three words follow: name, type, offset in bits. If the entry's flag is set, the
  /// offset is the word's low 24 bits, and the high 8 are a bit field's size.
  private func record(
    _ entry: BTFEntry, _ kind: RecordNode.Kind
  ) throws(SymbolError) -> TypeNode {
    var members: [RecordNode.Member] = []
    members.reserveCapacity(Int(entry.count))
    for index in 0..<UInt64(entry.count) {
      let type = try word(index * 3 + 1, entry)
      let place = try word(index * 3 + 2, entry)
      var bitOffset = UInt64(place)
      var bitSize: UInt64?
      if entry.flag {
        bitOffset = UInt64(place & 0xff_ffff)
        bitSize = place >> 24 == 0 ? nil : UInt64(place >> 24)
      } else if let bits = types.bitField(type) {
        (bitOffset, bitSize) = (bitOffset + bits.offset, bits.size)
      }
      members.append(
        RecordNode.Member(
          name: try types.name(at: word(index * 3, entry)), type: types.reference(type),
          bitOffset: bitOffset, bitSize: bitSize))
    }
    return .record(
      RecordNode(
        kind: kind, name: try name(entry), size: UInt64(entry.sizeOrType), isDeclaration: false,
        members: members))
  }

  /// For each enumerator its name and its value follow, in two words or, if it is wide, three.
  private func enumeration(_ entry: BTFEntry, isWide: Bool) throws(SymbolError) -> TypeNode {
    let size: UInt64 = isWide ? 3 : 2
    var enumerators: [(name: String, value: Int64)] = []
    enumerators.reserveCapacity(Int(entry.count))
    for index in 0..<UInt64(entry.count) {
      let low = try word(index * size + 1, entry)
      let value: Int64
      if isWide {
        value = Int64(bitPattern: UInt64(try word(index * size + 2, entry)) << 32 | UInt64(low))
      } else {
        value = entry.flag ? Int64(Int32(bitPattern: low)) : Int64(low)
      }
      enumerators.append((try types.name(at: word(index * size, entry)) ?? "", value))
    }
    return .enumeration(
      EnumerationNode(
        name: try name(entry), size: UInt64(entry.sizeOrType), isSigned: entry.flag,
        isDeclaration: entry.count == 0, enumerators: enumerators))
  }

  /// For each parameter its name and its type follow; a last one of neither stands for `...`.
  private func prototype(_ entry: BTFEntry) throws(SymbolError) -> TypeNode {
    var parameters: [TypeID?] = []
    parameters.reserveCapacity(Int(entry.count))
    var isVariadic = false
    for index in 0..<UInt64(entry.count) {
      let type = try word(index * 2 + 1, entry)
      if type == 0, index == UInt64(entry.count) - 1, try word(index * 2, entry) == 0 {
        isVariadic = true
      } else {
        parameters.append(types.reference(type))
      }
    }
    return .function(
      FunctionNode(result: reference(entry), parameters: parameters, isVariadic: isVariadic))
  }
}
