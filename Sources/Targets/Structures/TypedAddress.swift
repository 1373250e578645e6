public import Bytes
public import Symbols

/// A place in memory together with the type of what lies there.
public struct TypedAddress: Sendable {
  public let address: VirtualAddress
  public let type: TypeReference
  public let memory: any Memory

  public init(address: VirtualAddress, type: TypeReference, memory: any Memory) {
    self.address = address
    self.type = type
    self.memory = memory
  }

  /// The member at `path`, names joined by dots.
  public func member(_ path: String) throws(StructureError) -> TypedAddress {
    do throws(SymbolError) {
      let found = try type.member(named: path)
      return TypedAddress(
        address: address &+ found.byteOffset, type: found.type, memory: memory)
    } catch {
      throw .symbols(error)
    }
  }

  /// Whether there is a member at `path`: versions of a program differ.
  public func hasMember(_ path: String) throws(StructureError) -> Bool {
    do throws(SymbolError) {
      _ = try type.member(named: path)
      return true
    } catch {
      if case .noMember = error { return false }
      throw .symbols(error)
    }
  }

  /// The integer, enumeration or pointer here, without sign.
  public func unsigned() throws(StructureError) -> UInt64 {
    let size = try size()
    do throws(MemoryFault) {
      switch size {
      case 1: return UInt64(try memory.load(UInt8.self, at: address))
      case 2: return UInt64(try memory.load(UInt16.self, at: address))
      case 4: return UInt64(try memory.load(UInt32.self, at: address))
      case 8: return try memory.word(at: address)
      default: break
      }
    } catch {
      throw .memory(error)
    }
    throw .wrongType(wanted: "number", address: address)
  }

  /// The integer here, with its sign.
  public func signed() throws(StructureError) -> Int64 {
    let value = try unsigned()
    let unused = 64 - 8 * (try size())
    return Int64(bitPattern: value << unused) >> Int64(unused)
  }

  private func size() throws(StructureError) -> UInt64 {
    let size: UInt64?
    do throws(SymbolError) {
      size = try type.size()
    } catch {
      throw .symbols(error)
    }
    guard let size, size <= 8 else { throw .wrongType(wanted: "number", address: address) }
    return size
  }

  /// What the pointer here points at; nil if it is null.
  public func pointee() throws(StructureError) -> TypedAddress? {
    let target: TypeReference?
    do throws(SymbolError) {
      target = try type.target()
    } catch {
      throw .symbols(error)
    }
    guard let target else { throw .wrongType(wanted: "pointer", address: address) }
    let value = try unsigned()
    guard value != 0 else { return nil }
    return TypedAddress(address: VirtualAddress(value), type: target, memory: memory)
  }

  /// The element `index` of the array here; the index isn't checked against the array's length.
  public func element(_ index: UInt64) throws(StructureError) -> TypedAddress {
    do throws(SymbolError) {
      guard let element = try type.target(), let size = try element.size() else {
        throw SymbolError.noMember(type: "array", member: "[\(index)]")
      }
      return TypedAddress(address: address &+ size &* index, type: element, memory: memory)
    } catch {
      throw .symbols(error)
    }
  }

  /// The same place seen as another type.
  public func cast(to type: TypeReference) -> TypedAddress {
    TypedAddress(address: address, type: type, memory: memory)
  }

  /// The text that the `char *` here points at; nil if it is null. Cut at 256 bytes.
  public func string() throws(StructureError) -> String? {
    let pointer = try unsigned()
    guard pointer != 0 else { return nil }
    return try Self.text(at: VirtualAddress(pointer), in: memory)
  }

  /// The text in the `char` array here.
  public func inlineString() throws(StructureError) -> String {
    try Self.text(at: address, in: memory)
  }

  private static func text(
    at address: VirtualAddress, in memory: any Memory
  ) throws(StructureError) -> String {
    do throws(MemoryFault) {
      return String(decoding: try memory.cString(at: address, limit: 256).bytes, as: UTF8.self)
    } catch {
      throw .memory(error)
    }
  }

  /// Whether the C boolean here is set.
  public func isTrue() throws(StructureError) -> Bool { try unsigned() != 0 }

  /// How many bytes the type has; nil for a mere declaration.
  public func byteCount() throws(StructureError) -> UInt64? {
    do throws(SymbolError) {
      return try type.size()
    } catch {
      throw .symbols(error)
    }
  }

  /// The `count` bytes here, whatever the type's size.
  public func bytes(count: UInt64) throws(StructureError) -> [UInt8] {
    do throws(MemoryFault) {
      return try memory.read(address, count: count).copy()
    } catch {
      throw .memory(error)
    }
  }
}
