import Bytes

/// One value's printing: the text so far, and what keeps it within bounds.
struct ValuePrinter {
  let formatter: ValueFormatter
  let graph: any TypeGraph
  var text = ""
  /// How many values within values were visited. Damaged types could make it grow without end.
  private var visits = 0
  /// The static members being printed: a class can contain itself as one.
  var staticMembersSeen: Set<StaticMemberKey> = []
  /// Virtual base classes that were printed; each is shown once.
  var virtualBasesSeen: Set<TypeID> = []
  /// How many levels the innermost record gets on top of `maximumDepth`, for anonymous ones around
  /// it don't count.
  var extraDepth = 0

  struct StaticMemberKey: Hashable {
    let address: VirtualAddress
    let type: TypeID?
  }

  /// How many references lead to the value being printed.
  var referencesFollowed = 0

  var options: FormatOptions { formatter.options }

  /// More values than any real one consists of within `maximumValueSize`.
  private static let visitLimit = 200_000
  /// Bytes of text after which printing stops.
  private static let textLimit = 4 << 20
  /// The stack's bound, whatever `maximumDepth` says.
  private static let nestingLimit = 200

  init(formatter: ValueFormatter, graph: any TypeGraph) {
    self.formatter = formatter
    self.graph = graph
  }

  /// A type once its typedefs and qualifiers are taken away.
  enum Shape {
    case void
    case node(TypeNode)
    /// An array without its outermost dimensions.
    case rows(element: TypeID?, dimensions: ArraySlice<Dimension>, isVector: Bool)
  }

  func shape(_ type: TypeID?) throws(ValueError) -> Shape {
    let node = try symbols { () throws(SymbolError) in
      try TypeReference(graph, type).stripped().node()
    }
    guard let node else { return .void }
    if case .array(let element, let dimensions, let isVector) = node {
      return .rows(element: element, dimensions: dimensions[...], isVector: isVector)
    }
    return .node(node)
  }

  /// The type without its typedefs and qualifiers.
  func strippedID(_ type: TypeID?) throws(ValueError) -> TypeID? {
    try symbols { () throws(SymbolError) in try TypeReference(graph, type).stripped().id }
  }

  /// In bytes; 0 where the type has no size.
  func size(_ type: TypeID?) throws(ValueError) -> UInt64 {
    try symbols { () throws(SymbolError) in try TypeReference(graph, type).size() } ?? 0
  }

  func typeName(_ type: TypeID?) throws(ValueError) -> String {
    try symbols { () throws(SymbolError) in
      try TypePrinter(graph: graph, language: formatter.language).name(of: type)
    }
  }

  private func symbols<Result>(
    _ body: () throws(SymbolError) -> Result
  ) throws(ValueError) -> Result {
    do throws(SymbolError) {
      return try body()
    } catch {
      throw .symbol(error)
    }
  }

  // MARK: The whole value

  mutating func printWhole(
    _ value: TypedValue, style: ValueFormatter.Style
  ) throws(ValueError) {
    let shape = try shape(value.type)
    if style == .argument, try !isShown(shape, as: options.frameArguments) {
      // gdb says of a reference that doesn't exist both this and that.
      if case .syntheticReference = value.contents, options.frameArguments == .scalars {
        text += Self.text(.syntheticPointer)
      }
      text += "..."
      return
    }
    if style == .print { try printTypePrefix(value.type, shape) }
    switch value.contents {
    case .missing(let reason):
      text += Self.text(reason)
    case .syntheticReference(let target):
      text += Self.text(.syntheticPointer) + ": "
      try printWhole(target, style: .local)
    case .memory(let address):
      let bits = try formatter.fetch(value)
      try visit(
        value.type, shape, ValueSlice(bits, address: address), depth: 0, followsReferences: true)
    case .assembled(let bits):
      let slice = ValueSlice(bits)
      // Only the whole value is called missing; within one, each number is.
      if let reason = slice.entirelyMissing(UInt64(bits.bytes.count) * 8) {
        text += Self.text(reason)
        return
      }
      try visit(value.type, shape, slice, depth: 0, followsReferences: true)
    }
  }

  static func text(_ reason: MissingReason) -> String {
    switch reason {
    case .optimizedOut: "<optimized out>"
    case .notSaved: "<not saved>"
    case .syntheticPointer: "<synthetic pointer>"
    }
  }

  /// Whether frame lines show values of this shape rather than `...`.
  private func isShown(_ shape: Shape, as mode: FrameArgumentsMode) throws(ValueError) -> Bool {
    switch mode {
    case .all: return true
    case .none, .presence: return false
    case .scalars:
      switch shape {
      case .rows, .node(.record): return false
      case .node(.reference(let target, _, _)):
        return try isShown(self.shape(target), as: mode)
      default: return true
      }
    }
  }

  /// `(type) ` before pointers and references, except for plain `char *` and its wide kin.
  private mutating func printTypePrefix(_ type: TypeID?, _ shape: Shape) throws(ValueError) {
    switch shape {
    case .node(.pointer(let target, _)):
      guard try !hidesType(type, target: target) else { return }
    case .node(.reference): break
    default: return
    }
    text += "(" + (try typeName(type)) + ") "
  }

  /// Whether `type` is, without a typedef of its own, a pointer to `char` or a wide character.
  private func hidesType(_ type: TypeID?, target: TypeID?) throws(ValueError) -> Bool {
    guard try typedefOrBaseName(type) == nil else { return false }
    let name = try typedefOrBaseName(target)
    return name == "char" || name.map(TextualName.isWide) == true
  }

  /// The name that `type` was declared with, if that is a typedef's or a base type's.
  private func typedefOrBaseName(_ type: TypeID?) throws(ValueError) -> String? {
    var current = type
    for _ in 0..<TypeReference.depthLimit {
      guard let id = current else { return nil }
      switch try symbols({ () throws(SymbolError) in try graph.node(id) }) {
      case .qualified(_, let target): current = target
      case .typedef(let name, _), .base(let name, _, _): return name
      default: return nil
      }
    }
    throw .symbol(.tooDeep(what: "type qualifiers", limit: TypeReference.depthLimit))
  }

  // MARK: A value within the value

  /// Prints the value of `type` that begins `slice`. `depth` counts the records and arrays around
  /// it.
  mutating func print(
    _ type: TypeID?, _ slice: ValueSlice, depth: Int, followsReferences: Bool = false
  ) throws(ValueError) {
    try visit(
      type, try shape(type), slice, depth: depth, followsReferences: followsReferences)
  }

  mutating func visit(
    _ type: TypeID?, _ shape: Shape, _ slice: ValueSlice, depth: Int, followsReferences: Bool
  ) throws(ValueError) {
    try checkBounds()
    switch shape {
    case .void: text += "void"
    case .rows(let element, let dimensions, let isVector):
      let size = try size(rowsOf: element, dimensions)
      if isTooDeep(depth) {
        let kind = try textKind(element)
        let isString = size > 0 && kind != nil
        if !isString {
          text += "{...}"
          return
        }
      }
      try printArray(
        of: element, dimensions, isVector: isVector, slice, depth: depth)
    case .node(.record(let record)):
      if record.isDeclaration {
        text += "<incomplete type>"
        return
      }
      if isTooDeep(depth) {
        text += "{...}"
        return
      }
      try printRecord(type, record, slice, depth: depth)
    case .node(.reference(let target, _, let size)):
      if slice.missing(size.multipliedClamped(by: 8)) == nil {
        try printReference(to: target, size, slice, depth: depth, follow: followsReferences)
      } else {
        text += Self.text(slice.missing(size.multipliedClamped(by: 8)) ?? .optimizedOut)
      }
    case .node(let node):
      try printScalar(type, node, slice)
    }
  }

  /// Counts one more value; throws if there were too many.
  mutating func checkBounds() throws(ValueError) {
    visits += 1
    guard visits <= Self.visitLimit, text.utf8.count <= Self.textLimit else {
      throw .location("value too long to print")
    }
  }

  func isTooDeep(_ depth: Int) -> Bool {
    depth >= min(options.maximumDepth + extraDepth, Self.nestingLimit)
  }

  /// In bytes; 0 if a dimension's length isn't known.
  func size(
    rowsOf element: TypeID?, _ dimensions: ArraySlice<Dimension>
  ) throws(ValueError) -> UInt64 {
    var total = try size(element)
    for dimension in dimensions {
      total = total.multipliedClamped(by: dimension.count ?? 0)
    }
    return total
  }
}

extension UInt64 {
  /// The product, or the largest number if that is larger still.
  func multipliedClamped(by factor: UInt64) -> UInt64 {
    let (product, overflow) = multipliedReportingOverflow(by: factor)
    return overflow ? .max : product
  }
}
