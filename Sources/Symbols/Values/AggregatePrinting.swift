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
      let isPlain = try isPlainCharacter(element)
      let isText = options.stopsAtNull && isPlain
      printCharacters(kind, isText ? bytes.prefix { $0 != 0 } : bytes)
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

  /// Whether the type is `char`, by whatever other name.
  private func isPlainCharacter(_ type: TypeID?) throws(ValueError) -> Bool {
    guard case .node(.base("char", _, 1)) = try shape(type) else { return false }
    return true
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
}
