internal import Bytes
internal import Symbols
internal import Targets

/// Variables of a kernel whose types need no types: numbers, texts, bit masks.
extension LinuxKernel {
  func word(at address: VirtualAddress) throws(StructureError) -> UInt64 {
    do throws(MemoryFault) {
      return try memory.word(at: address)
    } catch {
      throw .memory(error)
    }
  }

  /// The `unsigned long` `name`.
  func longVariable(_ name: String) throws(StructureError) -> UInt64 {
    try word(at: address(of: name))
  }

  /// The `int` `name`.
  func intVariable(_ name: String) throws(StructureError) -> Int32 {
    let address = try address(of: name)
    do throws(MemoryFault) {
      return try memory.load(Int32.self, at: address)
    } catch {
      throw .memory(error)
    }
  }

  /// The text at `address`, cut at `limit` bytes.
  func text(at address: VirtualAddress, limit: UInt64) throws(StructureError) -> String {
    do throws(MemoryFault) {
      return String(
        decoding: try memory.cString(at: address, limit: limit).bytes, as: UTF8.self)
    } catch {
      throw .memory(error)
    }
  }

  /// The values of the enumerators of `enum name`, by their names.
  func enumerators(_ name: String) throws(StructureError) -> [String: Int64] {
    do throws(SymbolError) {
      let type = try types.type(named: "enum \(name)")
      guard case .enumeration(let enumeration) = try type?.stripped().node() else {
        throw SymbolError.noMember(type: "enum \(name)", member: "")
      }
      return Dictionary(
        enumeration.enumerators.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first }
      )
    } catch {
      if case .noMember = error { throw .noType("enum \(name)") }
      throw .symbols(error)
    }
  }
}
