import Symbols

/// The symbols of a kernel at the addresses that it was linked for, made from those where it is now.
struct LinkedSymbols: SymbolTable {
  let loaded: any SymbolTable
  /// How far the kernel was moved.
  let bias: UInt64

  var isEmpty: Bool { loaded.isEmpty }

  func symbol(at address: UInt64) -> (symbol: ELFSymbol, offset: UInt64)? {
    loaded.symbol(at: address &+ bias).map { (linked($0.symbol), $0.offset) }
  }

  func symbol(named name: String) -> ELFSymbol? { loaded.symbol(named: name).map(linked) }

  func symbols(named name: String) -> [ELFSymbol] { loaded.symbols(named: name).map(linked) }

  private func linked(_ symbol: ELFSymbol) -> ELFSymbol {
    ELFSymbol(
      name: symbol.name, address: symbol.address &- bias, size: symbol.size, kind: symbol.kind,
      binding: symbol.binding)
  }
}
