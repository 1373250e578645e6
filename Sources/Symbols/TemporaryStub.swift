public import ObjectFiles
public struct ELFSymbols: Sendable {
  public init(images: [ELFImage]) throws(SymbolError) {}
  public func symbol(at address: UInt64) -> (symbol: ELFSymbol, offset: UInt64)? { nil }
}
extension DebugInformation {
  public func isLineStart(_ address: UInt64) throws(SymbolError) -> Bool { false }
}
