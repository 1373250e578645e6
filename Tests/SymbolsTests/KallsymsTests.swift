import Bytes
import Symbols
import TestWorlds
import Testing

/// Finds the tables of `assembler`'s image by their shape alone.
private func found(_ image: KallsymsAssembler.Image, at address: UInt64) -> KallsymsTables? {
  let view = image.view
  var hints: Set<UInt64> = []
  KallsymsShape.forEachHint(in: view) { offset, back in hints.insert(offset - back) }
  for hint in hints.sorted() where KallsymsShape.isTokenTable(view, at: hint) {
    if let tables = KallsymsShape(view, address: address).tables(at: hint) { return tables }
  }
  return nil
}

@Suite struct KallsymsTests {
  /// Every order of the tables with every way to store addresses that kernels of it have.
  static let layouts: [(order: KallsymsAssembler.Order, encoding: KallsymsAssembler.Encoding)] = [
    (.until6_1, .absolute), (.until6_1, .relative), (.until6_1, .absolutePerCPU),
    (.until6_3, .absolute), (.until6_3, .relative), (.until6_3, .absolutePerCPU),
    (.since6_4, .absolute), (.since6_4, .relative), (.since6_4, .absolutePerCPU),
    (.since6_4, .placeRelative),
  ]

  @Test(arguments: layouts.indices, [1021, 1022]) func readsEveryLayout(
    _ layout: Int, count: Int
  ) throws {
    var symbols = KallsymsAssembler.sample(count: count)
    if Self.layouts[layout].encoding == .absolutePerCPU {
      symbols.insert(.init("__per_cpu_start", "A", 0), at: 0)
      symbols.insert(.init("runqueues", "A", 0x3_1980), at: 1)
      symbols.insert(.init("__per_cpu_end", "A", 0x3_5000), at: 2)
    }
    var assembler = KallsymsAssembler(symbols)
    (assembler.order, assembler.encoding) = Self.layouts[layout]
    let tables = try #require(found(assembler.image(), at: assembler.address))
    let kallsyms = try Kallsyms(tables)
    #expect(kallsyms.count == symbols.count)
    for (index, symbol) in symbols.enumerated() {
      let entry = kallsyms.entry(index)
      #expect(
        entry == Kallsyms.Entry(name: symbol.name, value: symbol.value, letter: symbol.letter))
    }
  }

  private func kallsyms(
    _ symbols: [KallsymsAssembler.Symbol], _ encoding: KallsymsAssembler.Encoding = .relative
  ) throws -> Kallsyms {
    var assembler = KallsymsAssembler(symbols)
    assembler.encoding = encoding
    return try Kallsyms(tables(assembler.image(), assembler, count: symbols.count))
  }

  /// The tables where the assembler put them.
  private func tables(
    _ image: KallsymsAssembler.Image, _ assembler: KallsymsAssembler, count: Int
  ) -> KallsymsTables {
    func view(_ name: String) -> ByteView {
      image.view.clampedSubview(at: UInt64(image.places[name] ?? 0), count: .max)
    }
    let addresses: KallsymsAddresses =
      switch assembler.encoding {
      case .absolute: .absolute(view("offsets"))
      case .relative: .relative(view("offsets"), base: assembler.base)
      case .absolutePerCPU: .absolutePerCPU(view("offsets"), base: assembler.base)
      case .placeRelative:
        .placeRelative(
          view("offsets"), address: assembler.address + UInt64(image.places["offsets"] ?? 0))
      }
    return KallsymsTables(
      count: count, names: view("names"), tokenTable: view("token_table"),
      tokenIndex: view("token_index"), addresses: addresses)
  }

  private static let text: UInt64 = 0xffff_ffff_8100_0000

  @Test func anAddressBelongsToTheFirstSymbolThatBeginsLast() throws {
    let kallsyms = try kallsyms([
      .init("_text", "T", Self.text), .init("_stext", "T", Self.text),
      .init("one", "t", Self.text + 16), .init("alias", "W", Self.text + 16),
      .init("table", "d", Self.text + 64), .init("_end", "B", Self.text + 128),
    ])
    let one = try #require(kallsyms.symbol(at: Self.text + 20))
    #expect(
      one.symbol
        == ELFSymbol(
          name: "one", address: Self.text + 16, size: 48, kind: .function, binding: .local))
    #expect(one.offset == 4)
    #expect(kallsyms.symbol(at: Self.text + 63)?.symbol.name == "one")
    #expect(kallsyms.symbol(at: Self.text)?.symbol.name == "_text")
    #expect(kallsyms.symbol(at: Self.text + 127)?.symbol.name == "table")
    #expect(kallsyms.symbol(at: Self.text + 128) == nil)
    #expect(kallsyms.symbol(at: Self.text - 1) == nil)
    let alias = try #require(kallsyms.symbol(named: "alias"))
    #expect(alias.address == Self.text + 16 && alias.size == 48 && alias.binding == .weak)
    #expect(kallsyms.symbol(named: "table")?.kind == .object)
    #expect(kallsyms.symbol(named: "tabl") == nil)
    #expect(kallsyms.symbol(named: "") == nil)
  }

  @Test func offsetsIntoPerCPUAreasAreNoAddresses() throws {
    let kallsyms = try kallsyms(
      [
        .init("__per_cpu_start", "A", 0), .init("runqueues", "A", 0x3_1980),
        .init("startup", "A", 0x100_0000), .init("_text", "T", Self.text),
        .init("_end", "B", Self.text + 64),
      ], .absolutePerCPU)
    #expect(kallsyms.symbol(at: 0x3_1980) == nil)
    #expect(kallsyms.symbol(at: 0x200_0000) == nil)
    #expect(kallsyms.symbol(named: "runqueues")?.address == 0x3_1980)
    #expect(kallsyms.lastEntry(notAbove: 0x3_1990)?.entry.name == "runqueues")
    // The last one that is no address doesn't reach as far as the image.
    #expect(kallsyms.symbol(named: "startup")?.size == 0)
  }

  @Test func namesThatComeTwiceAreAllFound() throws {
    let kallsyms = try kallsyms([
      .init("helper", "t", Self.text), .init("helper", "T", Self.text + 16),
      .init("helper", "t", Self.text + 32), .init("_end", "B", Self.text + 48),
    ])
    #expect(kallsyms.symbols(named: "helper").map(\.address) == [0, 16, 32].map { Self.text + $0 })
    #expect(kallsyms.symbol(named: "helper")?.address == Self.text + 16)
  }

  /// Since 6.1 (`CONFIG_RUST`) names may have more than 127 tokens.
  @Test(arguments: [126, 127, 128, 300, 511]) func longNames(_ length: Int) throws {
    let name = String(repeating: "x", count: length)
    let kallsyms = try kallsyms([
      .init(name, "T", Self.text), .init("after", "T", Self.text + 16),
      .init("_end", "B", Self.text + 32),
    ])
    #expect(kallsyms.entry(0).name == name)
    #expect(kallsyms.symbol(named: name)?.address == Self.text)
    #expect(kallsyms.entry(1).name == "after")
  }

  // MARK: Damage

  @Test func whatIsCutOffIsAnError() throws {
    let symbols = KallsymsAssembler.sample(count: 1500)
    let assembler = KallsymsAssembler(symbols)
    let whole = tables(assembler.image(), assembler, count: symbols.count)
    func expect(_ what: String, _ tables: KallsymsTables) {
      #expect {
        _ = try Kallsyms(tables)
      } throws: { error in
        guard case .malformed(what, _, _)? = error as? SymbolError else { return false }
        return true
      }
    }
    func with(
      count: Int? = nil, names: ByteView? = nil, table: ByteView? = nil, index: ByteView? = nil
    ) -> KallsymsTables {
      KallsymsTables(
        count: count ?? whole.count, names: names ?? whole.names,
        tokenTable: table ?? whole.tokenTable, tokenIndex: index ?? whole.tokenIndex,
        addresses: whole.addresses)
    }
    expect("kallsyms_num_syms", with(count: 1 << 32))
    expect("kallsyms_offsets", with(count: 1 << 20))
    expect("kallsyms_names", with(names: whole.names.clampedSubview(at: 0, count: 700)))
    expect("kallsyms_names", with(names: ByteView(copying: [UInt8](repeating: 0xff, count: 9000))))
    expect("kallsyms_token_table", with(table: whole.tokenTable.clampedSubview(at: 0, count: 90)))
    expect("kallsyms_token_table", with(table: .empty))
    expect("kallsyms_token_index", with(index: whole.tokenIndex.clampedSubview(at: 0, count: 511)))
  }

  @Test func addressesInDisorderAreAnError() {
    #expect(throws: SymbolError.self) {
      try kallsyms([.init("b", "T", Self.text + 16), .init("a", "T", Self.text)])
    }
  }

  @Test func noSymbolsAreNoProblem() throws {
    let kallsyms = try kallsyms([])
    #expect(kallsyms.isEmpty)
    #expect(kallsyms.symbol(at: Self.text) == nil)
    #expect(kallsyms.symbol(named: "_text") == nil)
  }

  /// One table damaged at a time: the shape isn't recognised, and nothing is made up.
  @Test(arguments: ["num_syms", "markers", "token_table", "token_index", "offsets"])
  func damagedShapesAreNone(_ table: String) throws {
    let assembler = KallsymsAssembler(KallsymsAssembler.sample(count: 1500))
    var image = assembler.image()
    let place = try #require(image.places[table])
    image.bytes.replaceSubrange(
      place..<place + 16, with: [UInt8](repeating: 0xff, count: 16))
    #expect(found(image, at: assembler.address) == nil)
  }

  /// Bytes changed at random: whatever is made of them, it ends.
  @Test(arguments: KallsymsTests.layouts.indices) func randomDamageIsSurvived(
    _ layout: Int
  ) throws {
    var assembler = KallsymsAssembler(KallsymsAssembler.sample(count: 1100))
    (assembler.order, assembler.encoding) = Self.layouts[layout]
    let whole = assembler.image()
    var random = RepeatableRandom(seed: UInt64(layout))
    for _ in 0..<8 {
      var image = whole
      for _ in 0..<Int.random(in: 1...8, using: &random) {
        let place = Int.random(in: assembler.leading..<image.bytes.count, using: &random)
        image.bytes[place] = UInt8.random(in: 0...255, using: &random)
      }
      guard let tables = found(image, at: assembler.address),
        let kallsyms = try? Kallsyms(tables)
      else { continue }
      for index in stride(from: 0, to: kallsyms.count, by: 97) {
        let entry = kallsyms.entry(index)
        _ = kallsyms.symbol(at: entry.value)
        _ = kallsyms.symbols(named: entry.name)
      }
    }
  }
}
