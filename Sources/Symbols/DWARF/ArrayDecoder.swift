import CElfutils
public import Unwinding

/// How the length of one dimension of an array is to be had in a frame.
public enum ArrayBound: Hashable, Sendable {
  /// It is always the same.
  case count(UInt64)
  /// The value of this variable, which the compiler made, is the last index.
  case variable(Variable)
  /// Evaluated, this gives the last index.
  case expression([DWARFOperation])
  /// Nothing says: a flexible array, for one.
  case unknown
}

extension Session {
  func decodeArray(_ entry: Entry, isNamed: Bool) throws(SymbolError) -> TypeNode {
    // GCC gives vectors names. This graph's arrays have none, so that a typedef stands for the name.
    if isNamed, let name = try typeName(of: entry) {
      return .typedef(name: name, of: typeID(entry).withoutName)
    }
    var dimensions: [Dimension] = []
    try forEachDimension(of: entry) { child throws(SymbolError) in
      dimensions.append(try decodeDimension(child))
    }
    return .array(
      element: try type(of: entry), dimensions: dimensions,
      isVector: entry.flag(DW_AT_GNU_vector))
  }

  private func forEachDimension(
    of entry: Entry, _ body: (Entry) throws(SymbolError) -> Void
  ) throws(SymbolError) {
    try entry.forEachChild { child throws(SymbolError) in
      if child.tag == DW_TAG_subrange_type || child.tag == DW_TAG_enumeration_type {
        try body(child)
      }
      return true
    }
  }

  private func decodeDimension(_ entry: Entry) throws(SymbolError) -> Dimension {
    let lower = try entry.constant(DW_AT_lower_bound) ?? 0
    if let count = try entry.constant(DW_AT_count) {
      return Dimension(count: count >= 0 ? UInt64(count) : nil, lowerBound: lower)
    }
    guard let upper = try entry.constant(DW_AT_upper_bound) else {
      let isVariable = entry.has(DW_AT_upper_bound) || entry.has(DW_AT_count)
      return Dimension(count: nil, lowerBound: lower, isVariable: isVariable)
    }
    // A bound of -1, however many bytes hold it, is how an empty array is written.
    let isEmpty = upper == -1 || (lower == 0 && upper == 0xffff_ffff)
    let (last, overflow) = upper.subtractingReportingOverflow(lower)
    let count: UInt64? = isEmpty ? 0 : overflow || last < -1 ? nil : UInt64(bitPattern: last &+ 1)
    return Dimension(count: count, lowerBound: lower)
  }

  /// See `DebugInformation.arrayBounds(of:at:)`.
  func arrayBounds(of id: TypeID, at address: UInt64) throws(SymbolError) -> [ArrayBound] {
    var bounds: [ArrayBound] = []
    let array = try entry(EntryID(id.withName.rawValue))
    guard array.tag == DW_TAG_array_type else { return [] }
    try forEachDimension(of: array) { child throws(SymbolError) in
      if let count = try decodeDimension(child).count {
        bounds.append(.count(count))
      } else {
        bounds.append(try runTimeBound(of: child, at: address))
      }
    }
    return bounds
  }

  private func runTimeBound(
    of dimension: Entry, at address: UInt64
  ) throws(SymbolError) -> ArrayBound {
    switch dimension.form(DW_AT_upper_bound) {
    case nil: return .unknown
    case DW_FORM_exprloc?, DW_FORM_block?, DW_FORM_block1?, DW_FORM_block2?, DW_FORM_block4?,
      DW_FORM_sec_offset?, DW_FORM_loclistx?:
      guard
        case .operations(let operations) = try dimension.location(DW_AT_upper_bound, at: address)
      else { return .unknown }
      return .expression(operations)
    default:
      guard let variable = try dimension.reference(DW_AT_upper_bound) else { return .unknown }
      return .variable(try describe(variable, at: address, blockDepth: 0))
    }
  }
}

extension TypeID {
  /// Set in the identifier of a named array without its name; no section is that long.
  private static let nameless: UInt64 = 1 << 61

  var isNamed: Bool { rawValue & Self.nameless == 0 }
  var withoutName: TypeID { TypeID(rawValue | Self.nameless) }
  var withName: TypeID { TypeID(rawValue & ~Self.nameless) }
}
