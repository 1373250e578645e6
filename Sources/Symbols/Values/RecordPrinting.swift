import Bytes
import Unwinding

extension ValuePrinter {
  /// A record that isn't another one's base class.
  mutating func printRecord(
    _ type: TypeID?, _ record: RecordNode, _ slice: ValueSlice, depth: Int
  ) throws(ValueError) {
    // A virtual base class is shown once in an object, and a static member once unless between its
    // showings its class's printing came to an end.
    let outerBases = virtualBasesSeen
    virtualBasesSeen = []
    defer { virtualBasesSeen = outerBases }
    let outerStatics = staticMembersSeen
    defer { staticMembersSeen = outerStatics }
    try printFields(type, record, slice, depth: depth)
  }

  private mutating func printFields(
    _ type: TypeID?, _ record: RecordNode, _ slice: ValueSlice, depth: Int
  ) throws(ValueError) {
    let (lead, separator, end) = layout(depth)
    text += "{"
    var isFirst = true
    for base in record.members where base.isBase {
      if base.virtualLocation != nil, let id = base.type {
        guard virtualBasesSeen.insert(id).inserted else { continue }
      }
      text += isFirst ? lead : separator
      isFirst = false
      try printBaseClass(base, slice, depth: depth + 1)
    }
    let fields = record.members.filter { !$0.isBase }
    if fields.isEmpty {
      text += (isFirst ? "" : separator) + "<No data fields>"
    }
    for field in fields where !field.isStatic || options.showsStaticMembers {
      text += isFirst ? lead : separator
      isFirst = false
      try printField(field, of: type, slice, depth: depth + 1)
    }
    text += (isFirst ? "" : end) + "}"
  }

  /// What stands before the first member, between two and behind the last one of a record with
  /// `depth` records and arrays around it.
  private func layout(_ depth: Int) -> (lead: String, separator: String, end: String) {
    guard options.isPretty else { return ("", ", ", "") }
    let end = "\n" + String(repeating: "  ", count: depth)
    return (end + "  ", "," + end + "  ", end)
  }

  // MARK: Base classes

  private mutating func printBaseClass(
    _ base: RecordNode.Member, _ slice: ValueSlice, depth: Int
  ) throws(ValueError) {
    text += "<" + (try typeName(base.type)) + "> = "
    guard let inner = try place(of: base, in: slice),
      case .node(.record(let record)) = try shape(base.type)
    else {
      text += "<invalid address>"
      return
    }
    if isTooDeep(depth) {
      text += "{...}"
      return
    }
    try checkBounds()
    try printFields(base.type, record, inner, depth: depth)
  }

  /// Where a base class lies; nil for a virtual one whose object doesn't say.
  private func place(
    of base: RecordNode.Member, in slice: ValueSlice
  ) throws(ValueError) -> ValueSlice? {
    guard let location = base.virtualLocation else { return slice.advanced(byBits: base.bitOffset) }
    guard let object = slice.address else { return nil }
    let result: ExpressionResult
    do throws(ExpressionError) {
      let context = ObjectExpressions(formatter.memory, object: object)
      result = try DWARFExpression.evaluate(location, in: context, initial: [object.rawValue])
    } catch {
      return nil
    }
    guard case .memory(let address)? = result.pieces.first?.kind else { return nil }
    let value = TypedValue(graph: graph, type: base.type, contents: .memory(address))
    do throws(ValueError) {
      return ValueSlice(try formatter.fetch(value), address: address)
    } catch {
      return nil
    }
  }

  // MARK: Fields

  private mutating func printField(
    _ field: RecordNode.Member, of record: TypeID?, _ slice: ValueSlice, depth: Int
  ) throws(ValueError) {
    if field.isStatic { text += "static " }
    let name = field.name ?? ""
    if !name.isEmpty { text += name + " = " }
    if field.isStatic { return try printStaticMember(field, of: record, depth: depth) }

    guard let inner = slice.advanced(byBits: field.bitOffset) else {
      text += Self.text(.optimizedOut)
      return
    }
    if let bitSize = field.bitSize, case .node(let node) = try shape(field.type) {
      try printScalar(field.type, node, inner, bitSize: bitSize)
      return
    }
    // An anonymous record counts as part of the one around it.
    if name.isEmpty { extraDepth += 1 }
    defer { if name.isEmpty { extraDepth -= 1 } }
    try print(field.type, inner, depth: depth)
  }

  private mutating func printStaticMember(
    _ member: RecordNode.Member, of record: TypeID?, depth: Int
  ) throws(ValueError) {
    guard let value = try staticMember(member, of: record) else {
      text += Self.text(.optimizedOut)
      return
    }
    do throws(ValueError) {
      let shape = try shape(value.type)
      var address: VirtualAddress?
      if case .memory(let place) = value.contents { address = place }
      if let address, try isRecordOrArray(shape) {
        let key = StaticMemberKey(address: address, type: value.type)
        guard staticMembersSeen.insert(key).inserted else {
          text += "<same as static member of an already seen type>"
          return
        }
      }
      let slice = ValueSlice(try formatter.fetch(value), address: address)
      if case .node(.record(let node)) = shape, !node.isDeclaration, !isTooDeep(depth) {
        try checkBounds()
        try printFields(value.type, node, slice, depth: depth)
      } else {
        try visit(value.type, shape, slice, depth: depth, followsReferences: false)
      }
    } catch {
      text += "<error reading variable: \(error)>"
    }
  }

  private func isRecordOrArray(_ shape: Shape) throws(ValueError) -> Bool {
    switch shape {
    case .rows, .node(.record): true
    default: false
    }
  }

  private func staticMember(
    _ member: RecordNode.Member, of record: TypeID?
  ) throws(ValueError) -> TypedValue? {
    if let record = try strippedID(record), let name = member.name,
      let value = formatter.findStaticMember(graph, record, name),
      ObjectIdentifier(value.graph) == ObjectIdentifier(graph)
    {
      return value
    }
    guard let constant = member.constantValue else { return nil }
    return try TypedValue(graph: graph, type: member.type, constant: constant)
  }
}

/// What the expression that finds a virtual base class may ask for: the object and memory.
private struct ObjectExpressions: ExpressionContext {
  let memory: any Memory
  let object: VirtualAddress

  init(_ memory: any Memory, object: VirtualAddress) {
    self.memory = memory
    self.object = object
  }

  func register(_ register: RegisterNumber) throws(ExpressionError) -> UInt64? { nil }

  func memory(at address: VirtualAddress, count: UInt64) throws(MemoryFault) -> ByteView {
    try memory.read(address, count: count)
  }

  func objectAddress() throws(ExpressionError) -> UInt64 { object.rawValue }
}
