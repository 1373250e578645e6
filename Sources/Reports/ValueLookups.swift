import Bytes
import Symbols
import Targets

extension Process {
  /// What values call the place that a pointer leads to: unlike a frame's function, with parameters.
  func name(of address: VirtualAddress) -> (name: String, offset: UInt64)? {
    guard let symbol = module(containing: address)?.symbol(at: address) else { return nil }
    return (Demangler.demangle(symbol.symbol.name) ?? symbol.symbol.name, symbol.offset)
  }
}

extension Module {
  /// The variable that the static member `name` of the record `type` stands for, which is defined
  /// apart from the record; nil if the module holds no definition.
  func staticMember(
    _ name: String, of type: TypeID, in graph: any TypeGraph, _ problems: ProblemLog
  ) -> TypedValue? {
    guard let information = contents.debugInformation,
      ObjectIdentifier(graph) == ObjectIdentifier(information)
    else { return nil }
    do throws(SymbolError) {
      guard case .record(let record) = try information.node(type), let scope = record.name,
        let variable = try information.globalVariable(named: scope + "::" + name),
        let address = variable.address
      else { return nil }
      return TypedValue(
        graph: information, type: variable.type, contents: .memory(loadedAddress(of: address)))
    } catch {
      problems.add("\(path): \(error)")
      return nil
    }
  }
}
