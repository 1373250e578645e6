import CElfutils
import Unwinding

extension Session {
  /// See `DebugInformation.callSite(returnAddress:)`.
  func callSite(returnAddress: UInt64) throws(SymbolError) -> CallSite? {
    // The call itself lies before its return address, which may be another function's start.
    guard returnAddress > 0, let unit = try unit(covering: returnAddress - 1),
      let chain = try chain(at: returnAddress - 1, in: unit)
    else { return nil }
    // The innermost scope around the call holds it; look outwards in case a block was left out.
    for scope in chain.scopes.reversed() {
      if let entry = try Self.callSite(in: scope.entry, returnAddress: returnAddress, depth: 0) {
        return try describe(entry, returnAddress: returnAddress)
      }
    }
    return nil
  }

  private static func callSite(
    in scope: Entry, returnAddress: UInt64, depth: Int
  ) throws(SymbolError) -> Entry? {
    guard depth < FunctionIndex.depthLimit else { return nil }
    var found: Entry?
    try scope.forEachChild { child throws(SymbolError) in
      if child.tag == DW_TAG_call_site || child.tag == DW_TAG_GNU_call_site {
        if try child.returnAddress() == returnAddress { found = child }
      } else if child.tag == DW_TAG_lexical_block {
        if !child.statesRanges {
          found = try callSite(in: child, returnAddress: returnAddress, depth: depth + 1)
        }
      }
      return found == nil
    }
    return found
  }

  private func describe(
    _ entry: Entry, returnAddress: UInt64
  ) throws(SymbolError) -> CallSite {
    var parameters: [CallSite.Parameter] = []
    try entry.forEachChild { child throws(SymbolError) in
      if child.tag == DW_TAG_call_site_parameter || child.tag == DW_TAG_GNU_call_site_parameter,
        let location = try child.expression(DW_AT_location)
      {
        parameters.append(
          CallSite.Parameter(
            location: location,
            value: try child.expression(anyOf: [DW_AT_call_value, DW_AT_GNU_call_site_value]),
            dataValue: try child.expression(
              anyOf: [DW_AT_call_data_value, DW_AT_GNU_call_site_data_value])))
      }
      return true
    }
    var origin = try entry.reference(DW_AT_call_origin)
    if origin == nil { origin = try entry.reference(DW_AT_abstract_origin) }
    var names: FunctionNames?
    if let origin, let unit = try unit(of: origin) {
      names = try functionNames(of: origin, in: unit)
    }
    return CallSite(
      returnAddress: returnAddress,
      isTailCall: entry.flag(DW_AT_call_tail_call) || entry.flag(DW_AT_GNU_tail_call),
      originLinkageName: names.map { $0.linkage ?? $0.full }, originName: names?.full,
      origin: origin?.id,
      target: try entry.expression(
        anyOf: [
          DW_AT_call_target, DW_AT_call_target_clobbered, DW_AT_GNU_call_site_target,
          DW_AT_GNU_call_site_target_clobbered,
        ]), parameters: parameters)
  }
}

extension Entry {
  /// The address after a call: DWARF 5 has an attribute for it, GNU's extension to DWARF 4 used
  /// `DW_AT_low_pc`.
  fileprivate func returnAddress() throws(SymbolError) -> UInt64? {
    if let address = try address(DW_AT_call_return_pc) { return address }
    return try address(DW_AT_low_pc)
  }

  /// The first of several expressions that is there.
  fileprivate func expression(
    anyOf attributes: [Int]
  ) throws(SymbolError) -> [DWARFOperation]? {
    for attribute in attributes {
      if let expression = try expression(attribute) { return expression }
    }
    return nil
  }
}
