import Bytes
import ObjectFiles
import Symbols
import Synchronization

/// What was found out about the functions of a process and whom they jump to, kept from one stack
/// to the next.
final class CallGraph: Sendable {
  struct Name: Hashable {
    let name: String
    let module: ObjectIdentifier
  }

  private struct State {
    var sites: [VirtualAddress: [TailCallSite]?] = [:]
    var addresses: [Name: VirtualAddress?] = [:]
    var mayReturnToStart: [VirtualAddress: Bool] = [:]
  }

  private let state = Mutex(State())

  // Two threads that miss the same entry work it out twice, and come to the same answer.

  func sites(
    of function: VirtualAddress, _ make: () -> [TailCallSite]?
  ) -> [TailCallSite]? {
    if let known = state.withLock({ $0.sites[function] }) { return known }
    let sites = make()
    state.withLock { $0.sites[function] = .some(sites) }
    return sites
  }

  func address(of name: Name, _ make: () -> VirtualAddress?) -> VirtualAddress? {
    if let known = state.withLock({ $0.addresses[name] }) { return known }
    let address = make()
    state.withLock { $0.addresses[name] = .some(address) }
    return address
  }

  func mayReturnToStart(of function: VirtualAddress, _ make: () -> Bool) -> Bool {
    if let known = state.withLock({ $0.mayReturnToStart[function] }) { return known }
    let answer = make()
    state.withLock { $0.mayReturnToStart[function] = answer }
    return answer
  }
}

extension Process {
  /// Whether the function that begins at `address` may call itself by a chain of tail calls; true
  /// if that can't be excluded.
  func mayTailCallItself(functionAt address: VirtualAddress, problems: ProblemLog) -> Bool {
    calls.mayReturnToStart(of: address) {
      tailCalls(problems).mayReturnToStart(of: address)
    }
  }

  /// The search through this process's functions.
  func tailCalls(_ problems: ProblemLog) -> TailCallSearch {
    TailCallSearch { self.tailCallSites(ofFunctionAt: $0, problems: problems) }
  }

  private func tailCallSites(
    ofFunctionAt address: VirtualAddress, problems: ProblemLog
  ) -> [TailCallSite]? {
    calls.sites(of: address) {
      guard let module = module(containing: address),
        let information = module.contents.debugInformation
      else { return nil }
      let link = module.linkAddress(of: address).rawValue
      let jumps = problems.attempt(module.path) { () throws(SymbolError) in
        try information.tailCalls(ofFunctionAt: link)
      }
      return jumps?.map { jump in
        TailCallSite(
          returnAddress: jump.returnAddress.map(module.loadedAddress),
          target: self.address(of: jump.target, from: module))
      }
    }
  }

  /// The address in memory that a call in `module` leads to; nil if it can't be told.
  func address(of target: CallTarget, from module: Module) -> VirtualAddress? {
    switch target {
    case .address(let address): module.loadedAddress(of: address)
    case .named(let name): functionAddress(linkageName: name, from: module)
    case .unknown: nil
    }
  }

  /// The address in memory of the function that `module` knows by that linkage name: its own, else
  /// what another module exports.
  func functionAddress(linkageName: String, from module: Module) -> VirtualAddress? {
    calls.address(of: CallGraph.Name(name: linkageName, module: ObjectIdentifier(module))) {
      if let symbol = module.contents.symbols?.symbol(named: linkageName) {
        return module.loadedAddress(of: symbol.address)
      }
      // The program comes first, as it does for the dynamic linker.
      let others = modules.filter(\.isProgram) + modules.filter { !$0.isProgram }
      for other in others where other !== module {
        if let address = other.exports[linkageName] { return other.loadedAddress(of: address) }
      }
      return nil
    }
  }
}
