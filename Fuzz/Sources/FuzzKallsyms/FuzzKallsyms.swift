import FuzzSupport
import Varve

/// The bytes as a kernel's image in which the tables are looked for by shape; and as tables cut out
/// of one, with a header that tells where each begins:
///
///     count u16, names u16, token table u16, token index u16, addresses u16, form u8, …
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzKallsyms(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
  let bytes = unsafe copied(data, size)
  let shape = KallsymsShape(bytes, address: base)
  var hints: [UInt64] = []
  KallsymsShape.forEachHint(in: bytes) { hint, _ in if hints.count < 8 { hints.append(hint) } }
  for hint in hints {
    if let tables = shape.tables(at: hint) { ask(tables) }
  }
  attempt { () throws(ByteError) in ask(try cut(bytes)) }
  return 0
}

private let base: UInt64 = 0xffff_ffff_8100_0000

private func cut(_ bytes: ByteView) throws(ByteError) -> KallsymsTables {
  func part(_ field: UInt64) throws(ByteError) -> ByteView {
    bytes.clampedSubview(at: UInt64(try bytes.load(UInt16.self, at: field)), count: .max)
  }
  let addresses: KallsymsAddresses
  switch try bytes.load(UInt8.self, at: 10) % 4 {
  case 0: addresses = .absolute(try part(8))
  case 1: addresses = .relative(try part(8), base: base)
  case 2: addresses = .absolutePerCPU(try part(8), base: base)
  default: addresses = .placeRelative(try part(8), address: base)
  }
  return KallsymsTables(
    count: Int(try bytes.load(UInt16.self, at: 0)), names: try part(2), tokenTable: try part(4),
    tokenIndex: try part(6), addresses: addresses)
}

private func ask(_ tables: KallsymsTables) {
  attempt { () throws(SymbolError) in
    let symbols = try Kallsyms(tables)
    for index in 0..<min(symbols.count, 256) {
      let entry = symbols.entry(index)
      _ = symbols.symbol(named: entry.name)
      _ = symbols.symbol(at: entry.value &+ 1)
    }
    _ = symbols.symbols(named: "init_task")
    _ = symbols.symbol(at: .max)
    _ = symbols.symbol(at: 0)
  }
}
