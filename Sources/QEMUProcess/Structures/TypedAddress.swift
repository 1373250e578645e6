public import Bytes
public import Symbols
public import Targets

/// A place in the process's memory together with the type of what lies there.
public struct TypedAddress: Sendable {
  public let address: VirtualAddress
  public let type: TypeReference
  let memory: AddressSpace

  public init(address: VirtualAddress, type: TypeReference, memory: AddressSpace) {
    self.address = address
    self.type = type
    self.memory = memory
  }

  /// The member at `path`, names joined by dots.
  public func member(_ path: String) throws(QEMUError) -> TypedAddress {
    do throws(SymbolError) {
      let found = try type.member(named: path)
      return TypedAddress(
        address: address &+ found.byteOffset, type: found.type, memory: memory)
    } catch {
      throw .symbols(error)
    }
  }

  /// Whether there is a member at `path`: versions of QEMU differ.
  func hasMember(_ path: String) throws(QEMUError) -> Bool {
    do throws(SymbolError) {
      _ = try type.member(named: path)
      return true
    } catch {
      if case .noMember = error { return false }
      throw .symbols(error)
    }
  }

  /// The integer, enumeration or pointer here, without sign.
  public func unsigned() throws(QEMUError) -> UInt64 {
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
  public func signed() throws(QEMUError) -> Int64 {
    let value = try unsigned()
    let unused = 64 - 8 * (try size())
    return Int64(bitPattern: value << unused) >> Int64(unused)
  }

  private func size() throws(QEMUError) -> UInt64 {
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
  public func pointee() throws(QEMUError) -> TypedAddress? {
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
  public func element(_ index: UInt64) throws(QEMUError) -> TypedAddress {
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
  func cast(to type: TypeReference) -> TypedAddress {
    TypedAddress(address: address, type: type, memory: memory)
  }

  /// The text that the `char *` here points at; nil if it is null. Cut at 256 bytes.
  public func string() throws(QEMUError) -> String? {
    let pointer = try unsigned()
    guard pointer != 0 else { return nil }
    return try Self.text(at: VirtualAddress(pointer), in: memory)
  }

  /// The text in the `char` array here.
  func inlineString() throws(QEMUError) -> String {
    try Self.text(at: address, in: memory)
  }

  private static func text(
    at address: VirtualAddress, in memory: AddressSpace
  ) throws(QEMUError) -> String {
    do throws(MemoryFault) {
      return String(decoding: try memory.cString(at: address, limit: 256).bytes, as: UTF8.self)
    } catch {
      throw .memory(error)
    }
  }
}

/// The elements of one of QEMU's linked lists, and why the walk ended if not at the list's end.
struct ListWalk: Sendable {
  var elements: [TypedAddress] = []
  var problem: String?

  /// More elements than any list of QEMU's has that is followed here.
  static let limit = 1 << 16

  /// Follows the list whose head is at `head` (include/qemu/queue.h): its `first` member points at
  /// the first element, and each element's `link` at the next.
  init(head: TypedAddress, first: String, link: String) {
    do throws(QEMUError) {
      try follow(from: try head.member(first).pointee(), link: link)
    } catch {
      problem = "\(error)"
    }
  }

  private mutating func follow(from start: TypedAddress?, link: String) throws(QEMUError) {
    var next = start
    var seen: Set<VirtualAddress> = []
    while let element = next {
      guard seen.insert(element.address).inserted else {
        problem = "the list leads back to \(element.address)"
        return
      }
      guard elements.count < Self.limit else {
        problem = "the list has more than \(Self.limit) elements"
        return
      }
      // Read the link before the element counts: one that can't be read is no element.
      let following = try element.member(link).pointee()
      elements.append(element)
      next = following
    }
  }
}
