import Bytes

// What decoding and looking up need of the table.
extension BTFTypes {
  /// The type that the number `id` in an entry refers to, without the tags before it, which change
  /// nothing about it. Nil is `void`. A number that no entry has is found out when it is followed.
  func reference(_ id: UInt32) -> TypeID? {
    var current = UInt64(id)
    do throws(SymbolError) {
      for _ in 0..<TypeReference.depthLimit {
        guard current != 0 else { return nil }
        let (entry, kind) = try entry(current)
        guard kind == .typeTag else { return TypeID(current) }
        current = UInt64(entry.sizeOrType)
      }
      return TypeID(UInt64(id))
    } catch {
      return TypeID(current)
    }
  }

  /// The name at `offset`; nil for the empty one, which things without a name have.
  func name(at offset: UInt32) throws(SymbolError) -> String? {
    guard offset != 0 else { return nil }
    let name = try strings.string(at: offset)
    return name.isEmpty ? nil : name
  }

  /// The word at `offset` of the type section.
  func word(at offset: UInt64) throws(SymbolError) -> UInt32 {
    do throws(ByteError) {
      return try sections.types.load(at: offset)
    } catch {
      throw .malformed(what: "BTF type", offset: offset, reason: "\(error)")
    }
  }

  /// Old encoders describe a bit field by an integer that has fewer bits than its bytes do: which
  /// bits those are, if the type `id` is such a one.
  func bitField(_ id: UInt32) -> (offset: UInt64, size: UInt64)? {
    var current = UInt64(id)
    do throws(SymbolError) {
      for _ in 0..<TypeReference.depthLimit {
        let (entry, kind) = try entry(current)
        switch kind {
        case .typedef, .const, .volatile, .restrict, .typeTag: current = UInt64(entry.sizeOrType)
        case .integer:
          if let base, current < firstID {
            return base.bitField(UInt32(truncatingIfNeeded: current))
          }
          let word = try word(at: entry.offset + BTFEntry.size)
          let (offset, size) = (UInt64(word >> 16 & 0xff), UInt64(word & 0xff))
          let isWhole = offset == 0 && size == UInt64(entry.sizeOrType) * 8
          return isWhole || size == 0 ? nil : (offset, size)
        default: return nil
        }
      }
    } catch {}
    return nil
  }
}
