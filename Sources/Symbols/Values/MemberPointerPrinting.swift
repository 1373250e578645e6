import Bytes

extension ValuePrinter {
  /// A C++ pointer to a member (Itanium C++ ABI, section 2.3): for data the member's offset, -1
  /// being null; for functions
  ///
  ///     | +0: address; or 1 + the offset in the virtual table | +8: adjustment of `this` |
  mutating func printMemberPointer(
    _ type: TypeID?, to target: TypeID?, of owner: TypeID?, _ slice: ValueSlice, bits: UInt64
  ) throws(ValueError) {
    if case .node(.function) = try shape(target) {
      try printMethodPointer(type, slice)
      return
    }
    guard let offset = slice.signed(min(bits, 64)) else { return }
    if offset == -1 {
      text += "NULL"
    } else if offset >= 0, let name = try memberName(at: UInt64(offset), in: owner, depth: 0) {
      text += "&" + name
    } else {
      text += "\(offset)"
    }
  }

  private mutating func printMethodPointer(
    _ type: TypeID?, _ slice: ValueSlice
  ) throws(ValueError) {
    guard let address = slice.unsigned(64) else { return }
    let adjustment = slice.advanced(byBits: 64)?.signed(64) ?? 0
    if address == 0 {
      text += "NULL"
    } else if address & 1 != 0 {
      text += "&virtual table offset \(address - 1)"
    } else {
      text += "(" + (try typeName(type)) + ") "
      let place = VirtualAddress(UInt64(truncatingIfNeeded: address))
      text += place.description
      if let symbol = formatter.nameAddress(place) {
        text += " <" + symbol.name + (symbol.offset == 0 ? "" : "+\(symbol.offset)") + ">"
      }
    }
    if adjustment != 0 { text += ", this adjustment \(adjustment)" }
  }

  /// `Class::member` for the member `offset` bytes into `record` or one of its base classes.
  private func memberName(
    at offset: UInt64, in record: TypeID?, depth: Int
  ) throws(ValueError) -> String? {
    guard depth < TypeReference.depthLimit, case .node(.record(let node)) = try shape(record) else {
      return nil
    }
    let wanted = offset.multipliedClamped(by: 8)
    for member in node.members where !member.isStatic && !member.isBase {
      if member.bitOffset == wanted, let name = member.name {
        return (try typeName(record)) + "::" + name
      }
    }
    for base in node.members where base.isBase && base.bitOffset <= wanted {
      let inner = offset - base.bitOffset / 8
      if let name = try memberName(at: inner, in: base.type, depth: depth + 1) { return name }
    }
    return nil
  }
}
