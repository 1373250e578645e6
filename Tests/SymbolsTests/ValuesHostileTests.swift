import Bytes
import Symbols
import Testing

/// Types and memory that no compiler makes: printing ends, and doesn't trap.
@Suite struct ValuesHostileTests {
  private let none = ValueFormatter(memory: ValuesMemory())

  private func text(
    _ nodes: [TypeNode], _ bytes: [UInt8], _ formatter: ValueFormatter? = nil
  ) -> String {
    let value = TypedValue(
      graph: ValuesTypes.with(nodes), type: TypeID(ValuesTypes.next),
      contents: .assembled(AssembledBits(bytes)))
    return (formatter ?? none).text(of: value)
  }

  private func array(_ element: TypeID, _ counts: UInt64?...) -> TypeNode {
    .array(element: element, dimensions: counts.map { Dimension(count: $0) }, isVector: false)
  }

  private func record(_ members: [RecordNode.Member], size: UInt64) -> TypeNode {
    .record(
      RecordNode(
        kind: .structure, name: "x", size: size, isDeclaration: false, members: members))
  }

  @Test func hugeArrays() {
    let inMemory = TypedValue(
      graph: ValuesTypes.with([array(ValuesTypes.int, 1 << 60)]), type: TypeID(ValuesTypes.next),
      contents: .memory(VirtualAddress(0x1000)))
    #expect(
      none.text(of: inMemory) == "<error: value requires 4611686018427387904 bytes, which is more"
        + " than max-value-size>")
    // Its bytes are at hand, but only two elements' worth of them.
    #expect(
      text([array(ValuesTypes.int, 1 << 60)], [1, 0, 0, 0, 2, 0, 0, 0])
        .hasPrefix("{1, 2, <optimized out>, "))
    #expect(text([array(ValuesTypes.int, 1 << 63, 1 << 63)], []).hasPrefix("{{"))
    #expect(text([array(ValuesTypes.char, .max)], [65]).hasPrefix("{65 'A', <optimized out>"))
  }

  @Test func circles() {
    let own = TypeID(ValuesTypes.next)
    #expect(text([.typedef(name: "t", of: own)], [1]).contains("nests deeper"))
    #expect(text([.qualified(.const, of: own)], [1]).contains("nests deeper"))
    #expect(text([array(own, 2)], [1]).contains("nests deeper"))
    // A record within itself, twice: 2²⁰ values if no one counted.
    let twice = record(
      [.init(name: "a", type: own, bitOffset: 0), .init(name: "b", type: own, bitOffset: 0)],
      size: 8)
    let printed = text([twice], [0, 0, 0, 0, 0, 0, 0, 0])
    #expect(printed.hasSuffix("<error: value too long to print>"))
    #expect(printed.utf8.count < 8 << 20)
  }

  @Test func boundlessDepth() {
    var options = FormatOptions()
    options.maximumDepth = .max - 1000
    let own = TypeID(ValuesTypes.next)
    let nested = record([.init(name: nil, type: own, bitOffset: 0)], size: 8)
    let printed = text([nested], [0], ValueFormatter(memory: ValuesMemory(), options: options))
    #expect(printed.contains("{...}"))
  }

  @Test func membersOutside() {
    let far = record(
      [
        .init(name: "far", type: ValuesTypes.int, bitOffset: .max),
        .init(name: "beyond", type: ValuesTypes.int, bitOffset: 64),
        .init(name: "bits", type: ValuesTypes.int, bitOffset: 30, bitSize: 200),
        .init(name: "none", type: ValuesTypes.int, bitOffset: 0, bitSize: 0),
      ], size: 4)
    #expect(
      text([far], [1, 0, 0, 0]) == "{far = <optimized out>, beyond = <optimized out>, "
        + "bits = <optimized out>, none = 0x}")
    #expect(text([.base(name: "w", encoding: .signed, size: 1 << 62)], [1]) == "<optimized out>")
    #expect(
      text([.base(name: "w", encoding: .unsigned, size: 17)], Array(1...17))
        == "0x1110" + "0f0e0d0c0b0a090807060504030201")
    #expect(text([.base(name: "f", encoding: .float, size: 3)], [1, 2, 3]) == "0x030201")
    #expect(text([.typedef(name: "t", of: TypeID(99))], [1]).contains("no type"))
  }

  /// A string without an end, a string that runs into a hole, pointers to nowhere.
  @Test func strings() {
    func string(_ address: UInt64, _ memory: [UInt64: [UInt8]]) -> String {
      let value = TypedValue(
        graph: ValuesTypes.with(), type: ValuesTypes.charPointer,
        contents: .assembled(
          AssembledBits((0..<8).map { UInt8(truncatingIfNeeded: address >> (8 * $0)) })))
      return ValueFormatter(memory: ValuesMemory(memory)).text(of: value)
    }
    let alphabet = (0..<10_000).map { UInt8(97 + $0 % 26) }
    let shown = String(decoding: alphabet[..<200], as: UTF8.self)
    #expect(string(0x1000, [0x1000: alphabet]) == "0x1000 \"\(shown)\"...")
    // As gdb says of a string that ends at the end of its mapping.
    #expect(
      string(0x1ffb, [0x1000: [UInt8](repeating: 97, count: 0x1000)])
        == "0x1ffb \"aaaaa\"<error: Cannot access memory at address 0x2000>")
    #expect(string(0x10, [:]) == "0x10 <error: Cannot access memory at address 0x10>")
    #expect(string(.max, [:]).hasSuffix("Cannot access memory at address 0xffffffffffffffff>"))
    #expect(string(0, [:]) == "0x0")
    // No character is lost before a sequence that is cut off.
    #expect(
      string(0x1000, [0x1000: [97, 98, 0xc3, 0]])
        == #"0x1000 "ab", <incomplete sequence \303>"#)
  }

  @Test func badReference() {
    let value = TypedValue(
      graph: ValuesTypes.with(), type: ValuesTypes.intReference,
      contents: .assembled(AssembledBits([0x10, 0, 0, 0, 0, 0, 0, 0])))
    #expect(none.text(of: value) == "@0x10: <error: Cannot access memory at address 0x10>")
  }

  @Test func endlessReferences() {
    // A reference to itself, by type and by address.
    let own = TypeID(ValuesTypes.next)
    let value = TypedValue(
      graph: ValuesTypes.with([.reference(to: own, isRvalue: false, size: 8)]), type: own,
      contents: .memory(VirtualAddress(0x1000)))
    let memory = ValuesMemory([0x1000: [0, 0x10, 0, 0, 0, 0, 0, 0]])
    #expect(
      ValueFormatter(memory: memory).text(of: value).hasPrefix("@0x1000: @0x1000: @0x1000: "))
  }
}
