import CElfutils

/// Where a call leads as far as debug information alone tells.
public enum CallTarget: Hashable, Sendable {
  /// The function of the same module that begins at this link-time address.
  case address(UInt64)
  /// The function of this linkage name, which may be another module's.
  case named(String)
  /// Only the running program knew, or nothing is recorded.
  case unknown
}

/// A jump to another function that stands for a call and a return: the function that it leaves has
/// no frame any more.
public struct TailCall: Hashable, Sendable {
  /// The link-time address of the instruction after the jump; nil if the compiler recorded only
  /// where the jump itself is, as Clang does.
  public let returnAddress: UInt64?
  public let target: CallTarget

  public init(returnAddress: UInt64?, target: CallTarget) {
    self.returnAddress = returnAddress
    self.target = target
  }
}

extension Session {
  /// See `DebugInformation.tailCalls(ofFunctionAt:)`.
  func tailCalls(ofFunctionAt address: UInt64) throws(SymbolError) -> [TailCall]? {
    guard let unit = try unit(covering: address),
      let function = try function(covering: address, in: unit)
    else { return nil }
    let start = try function.ranges().first?.lowerBound
    guard (function.entryAddress() ?? start) == address else { return nil }
    var calls: [TailCall] = []
    if Self.listsTailCalls(function) { try addTailCalls(in: function, to: &calls, depth: 0) }
    return calls
  }

  /// Whether the compiler says that it recorded every tail call. Where it doesn't say so, it didn't
  /// optimise, and made none.
  private static func listsTailCalls(_ function: Entry) -> Bool {
    [
      DW_AT_call_all_calls, DW_AT_call_all_tail_calls, DW_AT_GNU_all_call_sites,
      DW_AT_GNU_all_tail_call_sites,
    ].contains { function.flag($0, integrated: true) }
  }

  private func addTailCalls(
    in parent: Entry, to calls: inout [TailCall], depth: Int
  ) throws(SymbolError) {
    guard depth < FunctionIndex.depthLimit else {
      throw .tooDeep(what: "lexical blocks", limit: FunctionIndex.depthLimit)
    }
    try parent.forEachChild { child throws(SymbolError) in
      if child.tag == DW_TAG_call_site || child.tag == DW_TAG_GNU_call_site {
        if child.isTailCall {
          calls.append(
            TailCall(
              returnAddress: try child.returnAddress(), target: try callTarget(of: child)))
        }
      } else if ScopeChain.coversCode(child.tag) {
        try addTailCalls(in: child, to: &calls, depth: depth + 1)
      }
      return true
    }
  }
}
