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
    let origin = try entry.callOrigin()
    var names: FunctionNames?
    if let origin, let unit = try unit(of: origin) {
      names = try functionNames(of: origin, in: unit)
    }
    return CallSite(
      returnAddress: returnAddress,
      isTailCall: entry.isTailCall,
      originLinkageName: names.map { $0.linkage ?? $0.full }, originName: names?.full,
      origin: origin?.id, target: try entry.expression(anyOf: Entry.callTargetAttributes),
      parameters: parameters, callee: try callTarget(of: entry))
  }

  /// Where the call or jump that `entry` records leads.
  func callTarget(of entry: Entry) throws(SymbolError) -> CallTarget {
    guard !Entry.callTargetAttributes.contains(where: entry.has),
      let origin = try entry.callOrigin()
    else { return .unknown }
    if let range = try origin.ranges().first {
      return .address(origin.entryAddress() ?? range.lowerBound)
    }
    // Defined elsewhere or, without a declaration's mark, the common part of several instances. One
    // that isn't external may share its name with other functions.
    guard origin.flag(DW_AT_declaration) || origin.flag(DW_AT_external, integrated: true),
      let unit = try unit(of: origin)
    else { return .unknown }
    let names = try functionNames(of: origin, in: unit)
    return .named(names.linkage ?? names.full)
  }
}

extension Entry {
  /// What an indirect call's target is recorded by.
  fileprivate static let callTargetAttributes = [
    DW_AT_call_target, DW_AT_call_target_clobbered, DW_AT_GNU_call_site_target,
    DW_AT_GNU_call_site_target_clobbered,
  ]

  /// The entry of the function that is called.
  fileprivate func callOrigin() throws(SymbolError) -> Entry? {
    if let origin = try reference(DW_AT_call_origin) { return origin }
    return try reference(DW_AT_abstract_origin)
  }

  /// The call is a jump after which nothing of the caller's frame is left.
  var isTailCall: Bool { flag(DW_AT_call_tail_call) || flag(DW_AT_GNU_tail_call) }

  /// The address after a call: DWARF 5 has an attribute for it, GNU's extension to DWARF 4 used
  /// `DW_AT_low_pc`.
  func returnAddress() throws(SymbolError) -> UInt64? {
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
