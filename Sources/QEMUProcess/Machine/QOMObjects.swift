import Bytes
import Targets

/// QEMU's objects (qom/object.c): what they are and what they contain.
struct QOMObjects {
  private let structures: QEMUStructures

  init(_ structures: QEMUStructures) { self.structures = structures }

  /// More children than are looked at below one object.
  private static let limit = 1 << 14

  /// The name of the type of the object at `address`: `pc-i440fx-7.2-machine`.
  func typeName(of address: VirtualAddress) throws(StructureError) -> String {
    let object = try required("Object", at: address)
    let kind = try required("ObjectClass", at: pointer(object, "class"))
    let type = try required("TypeImpl", at: pointer(kind, "type"))
    guard let name = try type.member("name").string() else {
      throw .wrongType(wanted: "type name", address: type.address)
    }
    return name
  }

  /// The objects that the one at `address` contains, by the names it has for them.
  func children(of address: VirtualAddress) throws(StructureError) -> [(String, VirtualAddress)] {
    let object = try required("Object", at: address)
    let table = try pointer(object, "properties")
    guard table.rawValue != 0 else { return [] }
    let values: [UInt64]
    do throws(MemoryFault) {
      values = try HashTable(at: table, in: structures.process.memory).values
    } catch {
      throw .memory(error)
    }
    var children: [(String, VirtualAddress)] = []
    for value in values.prefix(Self.limit) {
      let property = try required("ObjectProperty", at: VirtualAddress(value))
      guard try property.member("type").string()?.hasPrefix("child<") == true,
        let name = try property.member("name").string()
      else { continue }
      children.append((name, try pointer(property, "opaque")))
    }
    return children
  }

  private func pointer(_ place: TypedAddress, _ name: String) throws(StructureError)
    -> VirtualAddress
  {
    VirtualAddress(try place.member(name).unsigned())
  }

  private func required(
    _ name: String, at address: VirtualAddress
  ) throws(StructureError) -> TypedAddress {
    guard let place = try structures.structure(name, in: "object.c", at: address) else {
      throw .wrongType(wanted: name, address: address)
    }
    return place
  }
}
