import CElfutils
import Unwinding

extension Session {
  /// See `DebugInformation.variables(in:at:arguments:)`.
  func variables(
    in scope: EntryID, at address: UInt64, arguments: Bool
  ) throws(SymbolError) -> [Variable] {
    let function = try entry(scope)
    let tag = arguments ? DW_TAG_formal_parameter : DW_TAG_variable
    var collector = VariableCollector(tag: tag, address: address)
    try collector.visit(function, depth: 0)
    // gdb prints the innermost block first, each in the order of declaration.
    var variables: [Variable] = []
    for block in arguments ? collector.blocks.prefix(1).reversed() : collector.blocks.reversed() {
      for entry in block.variables {
        let variable = try describe(entry, at: address, blockDepth: block.depth)
        if !variable.location.isDropped { variables.append(variable) }
      }
    }
    return variables
  }

  func describe(
    _ entry: Entry, at address: UInt64, blockDepth: Int
  ) throws(SymbolError) -> Variable {
    Variable(
      id: entry.id, name: try entry.string(DW_AT_name, integrated: true),
      type: try type(of: entry, integrated: true),
      location: variableLocation(entry, at: address),
      isArtificial: entry.flag(DW_AT_artificial, integrated: true), blockDepth: blockDepth)
  }

  /// Where a variable's value is at `address`.
  func variableLocation(_ entry: Entry, at address: UInt64) -> VariableLocation {
    do throws(SymbolError) {
      if let location = try entry.location(DW_AT_location, at: address) { return location }
      if let value = try entry.constantValue() { return .constant(value) }
      return .optimizedOut
    } catch {
      // One variable that can't be read doesn't hide the others.
      note(error.description)
      return .unreadable(error)
    }
  }

  /// See `DebugInformation.frameBase(of:at:)`.
  func frameBase(
    of scope: FunctionScope, at address: UInt64
  ) throws(SymbolError) -> [DWARFOperation]? {
    var entry = try entry(scope.id)
    if scope.isInlined {
      // An inlined function lives in the frame of the function around it.
      guard let unit = try unit(covering: address), let chain = try chain(at: address, in: unit),
        let outer = chain.functions.last
      else { return nil }
      entry = outer.entry
    }
    guard case .operations(let operations) = try entry.location(DW_AT_frame_base, at: address)
    else { return nil }
    return operations
  }
}

/// Gathers a function's variables at one address, block by block.
private struct VariableCollector {
  let tag: Int
  let address: UInt64
  /// Outermost first.
  var blocks: [(depth: Int, variables: [Entry])] = []

  init(tag: Int, address: UInt64) {
    self.tag = tag
    self.address = address
  }

  /// Which tags count in `scope`: the parameters of an inlined function that only counts as a block
  /// are local variables.
  private func isWanted(_ child: Entry, in scope: Entry) -> Bool {
    if child.tag == tag { return true }
    return tag == DW_TAG_variable && child.tag == DW_TAG_formal_parameter
      && scope.tag == DW_TAG_inlined_subroutine && !scope.isInlinedFunction
  }

  /// Gathers from `scope`, a function or block, and from those of its blocks that cover the address.
  mutating func visit(_ scope: Entry, depth: Int) throws(SymbolError) {
    guard depth < FunctionIndex.depthLimit else {
      throw .tooDeep(what: "lexical blocks", limit: FunctionIndex.depthLimit)
    }
    let index = blocks.count
    blocks.append((depth, []))
    var seen: Set<EntryID> = []
    var inner: [Entry] = []
    try gather(scope, into: index, seen: &seen, inner: &inner, depth: 0)
    if let origin = try scope.reference(DW_AT_abstract_origin) {
      let alsoParameters = scope.tag == DW_TAG_inlined_subroutine && !scope.isInlinedFunction
      try gatherMissing(
        origin, into: index, seen: seen, alsoParameters: alsoParameters, depth: 0)
    }
    for block in inner { try visit(block, depth: depth + 1) }
  }

  /// Declarations have no value here, and nameless variables are the compiler's: the bound of an
  /// array, for one.
  private func isListed(_ entry: Entry) -> Bool {
    if entry.flag(DW_AT_declaration) { return false }
    return tag == DW_TAG_formal_parameter || entry.has(DW_AT_name)
      || entry.has(DW_AT_abstract_origin)
  }

  /// A block without addresses counts as part of what is around it.
  private mutating func gather(
    _ scope: Entry, into index: Int, seen: inout Set<EntryID>, inner: inout [Entry], depth: Int
  ) throws(SymbolError) {
    guard depth < FunctionIndex.depthLimit else { return }
    var passedOver: [Entry] = []
    try scope.forEachChild { child throws(SymbolError) in
      // The call sites' own references to abstract entries are another matter.
      let isWanted = isWanted(child, in: scope)
      if isWanted || child.tag == DW_TAG_lexical_block {
        var origin = try child.reference(DW_AT_abstract_origin)
        for _ in 0..<8 {
          guard let next = origin else { break }
          seen.insert(next.id)
          origin = try next.reference(DW_AT_abstract_origin)
        }
      }
      if isWanted {
        if isListed(child) { blocks[index].variables.append(child) }
      } else if !child.isInlinedFunction, ScopeChain.coversCode(child.tag) {
        let ranges = try child.ranges()
        if ranges.isEmpty {
          if !child.statesRanges { passedOver.append(child) }
        } else if ranges.contains(where: { $0.contains(address) }) {
          inner.append(child)
        }
      }
      return true
    }
    for block in passedOver {
      try gather(block, into: index, seen: &seen, inner: &inner, depth: depth + 1)
    }
  }

  /// What the abstract function declares and this instance of it lacks was optimized out.
  private mutating func gatherMissing(
    _ origin: Entry, into index: Int, seen: Set<EntryID>, alsoParameters: Bool, depth: Int
  ) throws(SymbolError) {
    guard depth < FunctionIndex.depthLimit else { return }
    try origin.forEachChild { child throws(SymbolError) in
      guard !seen.contains(child.id) else { return true }
      if child.tag == tag || (alsoParameters && child.tag == DW_TAG_formal_parameter),
        isListed(child)
      {
        blocks[index].variables.append(child)
      } else if child.tag == DW_TAG_lexical_block, tag == DW_TAG_variable {
        try gatherMissing(
          child, into: index, seen: seen, alsoParameters: alsoParameters, depth: depth + 1)
      }
      return true
    }
  }
}

extension VariableLocation {
  /// A static variable that the linker dropped is left at address 0; gdb doesn't list it.
  fileprivate var isDropped: Bool {
    guard case .operations(let operations) = self, operations.count == 1 else { return false }
    return Int(operations[0].opcode.rawValue) == DW_OP_addr && operations[0].operand1 == 0
  }
}

extension Entry {
  /// `DW_AT_const_value`, whichever form it has.
  func constantValue() throws(SymbolError) -> ConstantValue? {
    switch form(DW_AT_const_value, integrated: true) {
    case nil: return nil
    case DW_FORM_block?, DW_FORM_block1?, DW_FORM_block2?, DW_FORM_block4?, DW_FORM_exprloc?,
      DW_FORM_data16?:
      return try block(DW_AT_const_value, integrated: true).map { .bytes($0) }
    case DW_FORM_string?, DW_FORM_strp?, DW_FORM_line_strp?, DW_FORM_strx?, DW_FORM_strx1?,
      DW_FORM_strx2?, DW_FORM_strx3?, DW_FORM_strx4?, DW_FORM_GNU_strp_alt?, DW_FORM_strp_sup?:
      return try string(DW_AT_const_value, integrated: true).map { .bytes(Array($0.utf8) + [0]) }
    case DW_FORM_addr?, DW_FORM_addrx?, DW_FORM_addrx1?, DW_FORM_addrx2?, DW_FORM_addrx3?,
      DW_FORM_addrx4?:
      return try address(DW_AT_const_value, integrated: true).map { .number($0) }
    case DW_FORM_sdata?, DW_FORM_implicit_const?:
      return try signed(DW_AT_const_value, integrated: true).map {
        .number(UInt64(bitPattern: $0))
      }
    default: return try unsigned(DW_AT_const_value, integrated: true).map { .number($0) }
    }
  }
}
