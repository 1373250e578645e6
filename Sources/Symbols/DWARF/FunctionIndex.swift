import CElfutils

/// The functions of one unit by address.
struct FunctionIndex {
  private struct Span {
    let range: Range<UInt64>
    let function: Int
  }

  private var spans: [Span] = []
  private(set) var functions: [Entry] = []

  /// How deep entries may nest.
  static let depthLimit = 256

  /// - Parameter deep: also look inside functions and types, where GNU C's nested functions and some
  ///   compilers' methods stand. That reads every entry of the unit.
  init(root: Entry, deep: Bool) throws(SymbolError) {
    try visit(root, deep: deep, depth: 0)
    spans.sort { $0.range.lowerBound < $1.range.lowerBound }
  }

  private mutating func visit(_ parent: Entry, deep: Bool, depth: Int) throws(SymbolError) {
    guard depth < Self.depthLimit else {
      throw .tooDeep(what: "debug information", limit: Self.depthLimit)
    }
    try parent.forEachChild { child throws(SymbolError) in
      if child.tag == DW_TAG_subprogram {
        let ranges = try child.ranges()
        for range in ranges where range.lowerBound != 0 {
          spans.append(Span(range: range, function: functions.count))
        }
        if !ranges.isEmpty { functions.append(child) }
        if deep { try visit(child, deep: deep, depth: depth + 1) }
      } else if child.tag == DW_TAG_namespace || child.tag == DW_TAG_module || deep {
        try visit(child, deep: deep, depth: depth + 1)
      }
      return true
    }
  }

  /// The function whose code covers `address`; the innermost one if functions overlap.
  func function(at address: UInt64) -> Entry? {
    var low = 0
    var high = spans.count
    while low < high {
      let middle = (low + high) / 2
      if spans[middle].range.lowerBound <= address { low = middle + 1 } else { high = middle }
    }
    for index in stride(from: low - 1, through: max(0, low - 8), by: -1)
    where spans[index].range.contains(address) {
      return functions[spans[index].function]
    }
    return nil
  }
}
