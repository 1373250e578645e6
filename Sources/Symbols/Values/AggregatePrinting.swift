import Bytes

extension ValuePrinter {
  // MARK: Arrays

  mutating func printArray(
    of element: TypeID?, _ dimensions: ArraySlice<Dimension>, isVector: Bool, _ slice: ValueSlice,
    depth: Int
  ) throws(ValueError) {
    let inner = dimensions.dropFirst()
    let count = dimensions.first?.count ?? 0
    let elementSize = try size(rowsOf: element, inner)
    // An array of no known length or of nothing is shown as what it decays to.
    guard count > 0, elementSize > 0 else { return try printEmptyArray(of: element, slice) }

    let size = elementSize.multipliedClamped(by: count)
    if inner.isEmpty, !isVector, let kind = try textKind(element), let bytes = slice.bytes(size),
      slice.missing(size.multipliedClamped(by: 8)) == nil
    {
      printCharacters(kind, bytes)
      return
    }
    let shape: Shape
    if inner.isEmpty {
      shape = try self.shape(element)
    } else {
      shape = .rows(element: element, dimensions: inner, isVector: isVector)
    }
    text += "{"
    try printElements(
      element, shape, count: count, size: elementSize, isVector: isVector, slice, depth: depth)
    text += "}"
  }

  /// A string; a final NUL goes without saying.
  private mutating func printCharacters(_ kind: TextKind, _ bytes: ArraySlice<UInt8>) {
    var string = bytes
    if string.suffix(kind.width).allSatisfy({ $0 == 0 }) { string = string.dropLast(kind.width) }
    text += kind.prefix + characterText(width: kind.width).literal(Array(string))
  }

  private mutating func printElements(
    _ element: TypeID?, _ shape: Shape, count: UInt64, size: UInt64, isVector: Bool,
    _ slice: ValueSlice, depth: Int
  ) throws(ValueError) {
    let limit = options.elementLimit ?? .max
    var index: UInt64 = 0
    var shown = 0
    while index < count {
      guard shown < limit else {
        text += "..."
        return
      }
      if index > 0 { text += ", " }
      guard let current = slice.advanced(byBits: (index &* size).multipliedClamped(by: 8)) else {
        return
      }
      let run = runLength(from: current, size: size, atMost: count - index)
      if isVector, case .node(let node) = shape, case .base = node {
        try printScalar(element, node, current, isElementOfVector: true)
      } else {
        try visit(element, shape, current, depth: depth + 1, followsReferences: false)
      }
      if run > UInt64(options.repeatThreshold) {
        text += " <repeats \(run) times>"
        index += run
        shown += options.repeatThreshold
      } else {
        index += 1
        shown += 1
      }
    }
  }

  /// How many elements from `first` on are equal to it. A run within an array whose bytes aren't
  /// all there ends with them, so this is bounded by the value's size.
  private func runLength(from first: ValueSlice, size: UInt64, atMost limit: UInt64) -> UInt64 {
    var run: UInt64 = 1
    while run < limit, let next = first.advanced(byBits: (run &* size).multipliedClamped(by: 8)),
      first.equals(next, bytes: size)
    {
      run += 1
    }
    return run
  }

  // MARK: Records

  mutating func printRecord(
    _ type: TypeID?, _ record: RecordNode, _ slice: ValueSlice, depth: Int
  ) throws(ValueError) {
    text += "{"
    var isFirst = true
    for base in record.members where base.isBase {
      if !isFirst { text += ", " }
      isFirst = false
      try printBaseClass(base, slice, depth: depth + 1)
    }
    let fields = record.members.filter { !$0.isBase }
    if fields.isEmpty {
      text += (isFirst ? "" : ", ") + "<No data fields>"
    }
    for field in fields where !field.isStatic || options.showsStaticMembers {
      if !isFirst { text += ", " }
      isFirst = false
      try printField(field, of: type, slice, depth: depth + 1)
    }
    text += "}"
  }

  private mutating func printBaseClass(
    _ base: RecordNode.Member, _ slice: ValueSlice, depth: Int
  ) throws(ValueError) {
    text += "<" + (try typeName(base.type)) + "> = "
    guard let inner = slice.advanced(byBits: base.bitOffset) else {
      text += Self.text(.optimizedOut)
      return
    }
    try print(base.type, inner, depth: depth)
  }

  private mutating func printField(
    _ field: RecordNode.Member, of record: TypeID?, _ slice: ValueSlice, depth: Int
  ) throws(ValueError) {
    if field.isStatic { text += "static " }
    let name = field.name ?? ""
    if !name.isEmpty { text += name + " = " }
    if field.isStatic { return try printStaticMember(name, of: record, depth: depth) }

    guard let inner = slice.advanced(byBits: field.bitOffset) else {
      text += Self.text(.optimizedOut)
      return
    }
    if let bitSize = field.bitSize, case .node(let node) = try shape(field.type) {
      try printScalar(field.type, node, inner, bitSize: bitSize)
      return
    }
    if name.isEmpty { extraDepth += 1 }
    defer { if name.isEmpty { extraDepth -= 1 } }
    try print(field.type, inner, depth: depth)
  }

  private mutating func printStaticMember(
    _ name: String, of record: TypeID?, depth: Int
  ) throws(ValueError) {
    guard let record, let value = formatter.findStaticMember(graph, record, name),
      ObjectIdentifier(value.graph) == ObjectIdentifier(graph)
    else {
      text += Self.text(.optimizedOut)
      return
    }
    let key = StaticMemberKey(record: record, name: name)
    guard staticMembersSeen.insert(key).inserted else {
      text += "<same as static member of an already seen type>"
      return
    }
    do throws(ValueError) {
      let bits = try formatter.fetch(value)
      var address: VirtualAddress?
      if case .memory(let place) = value.contents { address = place }
      try print(value.type, ValueSlice(bits, address: address), depth: depth)
    } catch {
      text += "<error reading variable: \(error)>"
    }
  }
}
