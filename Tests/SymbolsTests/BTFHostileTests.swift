import Bytes
import Symbols
import TestWorlds
import Testing

/// BTF as an attacker inside a guest would write it.
struct BTFHostileTests {
  @Test(arguments: [
    ([0x9f], "BTF header at offset 0x0: 2 bytes wanted at offset 0x0, but only 1 bytes are there"),
    ([0xeb, 0x9f] + [UInt8](repeating: 0, count: 22), "big-endian"),
    ([UInt8](repeating: 7, count: 24), "not with 0xeb9f"),
  ])
  func headersAreChecked(bytes: [UInt8], message: String) {
    let error = #expect(throws: SymbolError.self) { try BTFTypes(ByteView(copying: bytes)) }
    #expect(error?.description.contains(message) == true, "\(error as Any)")
  }

  /// Each field of the header, and what it may not be.
  @Test(arguments: [
    (2, 2), (4, 20), (4, 1 << 30), (8, 4), (12, 1 << 20), (16, 0), (20, 0xffff_ffff),
  ])
  func fieldsAreChecked(offset: Int, value: UInt32) throws {
    var btf = BTFAssembler()
    btf.integer("int", size: 4)
    var bytes = ByteAssembler()
    bytes.append(btf.bytes)
    if offset == 2 { bytes.patch(UInt8(value), at: 2) } else { bytes.patch(value, at: offset) }
    #expect(throws: SymbolError.self) { try BTFTypes(bytes.view) }
  }

  @Test func unknownKindsEndTheTableOnly() throws {
    var btf = BTFAssembler()
    btf.integer("int", size: 4)
    btf.add(99, "future")
    btf.integer("long", size: 8)
    let types = try BTFTypes(btf.view)
    #expect(types.endID == 2)
    #expect(
      types.damage == .malformed(what: "BTF type", offset: 16, reason: "unknown kind 99"))
    #expect(try types.type(named: "int")?.size() == 4)
    // A module's numbers begin behind the kernel's last, which isn't known.
    #expect(throws: SymbolError.self) { try BTFTypes(BTFAssembler().view, base: types) }
  }

  @Test func countsBeyondTheSectionAllocateNothing() throws {
    var btf = BTFAssembler()
    btf.integer("int", size: 4)
    btf.add(4, "huge", count: 0xff_ffff, 8, words: [0, 1, 0])
    let types = try BTFTypes(btf.view)
    #expect(types.endID == 2)
    #expect(types.damage != nil)
  }

  @Test func circlesEndInErrors() throws {
    var btf = BTFAssembler()
    let int = btf.integer("int", size: 4)
    btf.typedef("a", of: 3)
    btf.typedef("b", of: 2)
    btf.array(of: 4, count: 2)
    btf.record("self", size: 8, [("", 5, 0), ("", 5, 0)])
    btf.add(18, "tag", 6)
    btf.add(10, "", 7)
    let types = try BTFTypes(btf.view)
    #expect(int == 1)
    for id: UInt64 in [2, 4, 6, 7] {
      #expect(throws: SymbolError.self) { try TypeReference(types, TypeID(id)).size() }
    }
    for id: UInt64 in [4, 7] {
      #expect(throws: SymbolError.self) { try TypePrinter(graph: types).name(of: TypeID(id)) }
    }
    #expect(throws: SymbolError.self) {
      try TypeReference(types, TypeID(5)).member(named: "x")
    }
  }

  @Test func namesWithoutEndCostTheirTypeOnly() throws {
    var btf = BTFAssembler()
    btf.integer("int", size: 4)
    btf.typedef(String(repeating: "x", count: 513), of: 1)
    btf.typedef(String(repeating: "y", count: 512), of: 1)
    btf.add(8, raw: 0xff_ffff, 1)
    let types = try BTFTypes(btf.view)
    #expect(throws: SymbolError.self) { try types.node(TypeID(2)) }
    #expect(try types.type(named: String(repeating: "x", count: 513)) == nil)
    #expect(try types.type(named: String(repeating: "y", count: 512))?.size() == 4)
    #expect(throws: SymbolError.self) { try types.node(TypeID(4)) }
    #expect(try types.type(named: "int")?.size() == 4)
  }

  /// A hash table with chains: equal names make the chains long, not their building.
  @Test func equalNamesAreIndexedInLinearTime() throws {
    var btf = BTFAssembler()
    btf.integer("int", size: 4)
    let name = btf.string("same")
    for _ in 0..<20_000 { btf.add(8, raw: name, 1) }
    let types = try BTFTypes(btf.view)
    #expect(types.types(named: "same").count == 20_000)
    #expect(try types.type(named: "same")?.id == TypeID(2))
  }

  /// Every byte of a small table changed in a few ways; nothing traps.
  @Test func mutationsNeverTrap() throws {
    var btf = BTFAssembler()
    let int = btf.integer("int", size: 4, encoding: 1)
    btf.record("pair", size: 8, [("a", int, 0), ("b", int, 32), ("", 4, 0)])
    btf.pointer(to: 2)
    btf.record("", size: 8, isUnion: true, [("whole", 5, 0)])
    btf.array(of: 1, count: 2)
    btf.add(13, "", count: 1, 1, words: [0, 3])
    btf.add(12, "f", 6)
    btf.add(6, "e", count: 1, 4, words: [btf.string("A"), 7])
    let original = btf.bytes
    var visited = 0
    for index in original.indices {
      for value in [0, 1, 0x7f, 0x80, 0xff, original[index] ^ 1, original[index] &+ 1] as [UInt8] {
        var bytes = original
        bytes[index] = value
        visited += BTFVisit.everything(in: ByteView(copying: bytes), name: "pair")
      }
    }
    #expect(visited > 9000)
  }
}

/// Asks for all that BTF data can be asked for.
enum BTFVisit {
  /// How many types could be read.
  static func everything(in bytes: ByteView, name: String) -> Int {
    var count = 0
    do throws(SymbolError) {
      let types = try BTFTypes(bytes)
      _ = try types.type(named: "struct " + name)
      _ = types.structures(named: name)
      _ = try types.function(named: "f")
      _ = try types.enumerator(named: "A")
      for id in types.firstID..<types.endID {
        count += visit(TypeReference(types, TypeID(id)))
      }
    } catch {
      return count
    }
    return count
  }

  private static func visit(_ type: TypeReference) -> Int {
    var count = 0
    do throws(SymbolError) { if try type.node() != nil { count += 1 } } catch {}
    do throws(SymbolError) { _ = try type.size() } catch {}
    do throws(SymbolError) { _ = try type.member(named: "whole.x") } catch {}
    do throws(SymbolError) { _ = try TypePrinter(graph: type.graph).name(of: type.id) } catch {}
    return count
  }
}
