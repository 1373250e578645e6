import Bytes
import ObjectFiles

extension ELFImage {
  /// The link-time addresses of the functions and variables that other modules may use, by linkage
  /// name; empty if the tables are damaged, which reading the symbols proper reports.
  ///
  /// Of several versions of a function, calls are bound to the default one unless they were linked
  /// long ago: the others have bit 15 set in `.gnu.version`, which holds a u16 for each symbol
  /// (LSB Core, "Symbol Version Table").
  func exportedAddresses() -> [String: UInt64] {
    var exports: [String: UInt64] = [:]
    do {
      guard let table = try dynamicSymbolTable() else { return [:] }
      let versions = try section(named: ".gnu.version").map(contents) ?? .empty
      for (index, symbol) in table.enumerated() where !symbol.isUndefined {
        switch symbol.kind {
        case .function, .indirectFunction, .object, .none: break
        default: continue
        }
        let version = versions.clampedSubview(at: UInt64(index) * 2, count: 2)
        let isDefault = try version.isEmpty || version.load(UInt16.self, at: 0) & 0x8000 == 0
        let name = try table.name(of: symbol)
        if isDefault || exports[name] == nil { exports[name] = symbol.value.rawValue }
      }
    } catch {
      return exports
    }
    return exports
  }
}
