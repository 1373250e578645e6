import CElfutils

/// The entries inside one function that cover an address, outermost first: the function, then
/// lexical blocks and inlined functions.
struct ScopeChain {
  private(set) var scopes: [Scope]

  struct Scope {
    let entry: Entry
    let ranges: [Range<UInt64>]
    /// An inlined or out-of-line function, rather than a block.
    var isFunction: Bool { entry.tag == DW_TAG_subprogram || entry.isInlinedFunction }
  }

  init(function: Entry, address: UInt64) throws(SymbolError) {
    scopes = [Scope(entry: function, ranges: try function.ranges())]
    while try descend(from: scopes[scopes.count - 1].entry, address: address, depth: 0) {
      guard scopes.count < FunctionIndex.depthLimit else {
        throw .tooDeep(what: "lexical blocks", limit: FunctionIndex.depthLimit)
      }
    }
  }

  /// Appends the child of `parent` that covers `address`. A block without addresses stands for its
  /// children.
  private mutating func descend(
    from parent: Entry, address: UInt64, depth: Int
  ) throws(SymbolError) -> Bool {
    guard depth < FunctionIndex.depthLimit else { return false }
    var found = false
    try parent.forEachChild { child throws(SymbolError) in
      guard Self.coversCode(child.tag) else { return true }
      let ranges = try child.ranges()
      if ranges.isEmpty {
        if child.tag == DW_TAG_lexical_block, !child.statesRanges {
          found = try descend(from: child, address: address, depth: depth + 1)
        }
      } else if ranges.contains(where: { $0.contains(address) }) {
        scopes.append(Scope(entry: child, ranges: ranges))
        found = true
      }
      return !found
    }
    return found
  }

  static func coversCode(_ tag: Int) -> Bool {
    switch tag {
    case DW_TAG_lexical_block, DW_TAG_inlined_subroutine, DW_TAG_try_block, DW_TAG_catch_block,
      DW_TAG_with_stmt:
      true
    default: false
    }
  }

  /// The inlined functions and, last, the function itself: innermost first.
  var functions: [Scope] { scopes.reversed().filter(\.isFunction) }
}

extension Entry {
  /// An inlined function that says where it was called. Of another nobody could tell where its
  /// caller is; it counts as a block, as in gdb.
  var isInlinedFunction: Bool {
    tag == DW_TAG_inlined_subroutine && has(DW_AT_call_line) && has(DW_AT_call_file)
  }
}
