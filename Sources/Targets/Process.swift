public import Bytes
public import Unwinding

/// An address space with threads and modules: what a core file, a live process or a guest's task
/// comes down to.
public final class Process: Sendable {
  public let architecture: Architecture
  public let memory: AddressSpace
  /// In ascending order.
  public let mappings: [Mapping]
  /// In the dump's order: the one that got the signal comes first.
  public let threads: [TargetThread]
  /// In ascending order of their ranges.
  public let modules: [Module]
  /// What is damaged or missing, a line each, as far as it is known before anything is asked for.
  public let diagnostics: [String]
  let calls = CallGraph()
  let generatedCode: JITModules

  public init(
    architecture: Architecture, memory: AddressSpace, mappings: [Mapping],
    threads: [TargetThread], modules: [Module], diagnostics: [String] = []
  ) {
    self.architecture = architecture
    self.memory = memory
    self.mappings = mappings
    self.threads = threads
    let modules = modules.sorted { $0.range.lowerBound < $1.range.lowerBound }
    self.modules = modules
    self.diagnostics = diagnostics
    generatedCode = JITModules(
      JITSearch(
        architecture: architecture, memory: memory, mappings: mappings, modules: modules))
  }

  /// The program itself; nil if the dump doesn't tell which module it is.
  public var program: Module? { modules.first(where: \.isProgram) }

  /// The module that holds `address`; nil if none does. Code that the process made itself has
  /// modules that aren't among `modules`.
  public func module(containing address: VirtualAddress) -> Module? {
    if let module = modules.module(containing: address) { return module }
    guard mapping(containing: address)?.protection?.contains(.execute) == true else { return nil }
    return generatedCode.module(containing: address)
  }

  /// The mapping that holds `address`; nil if nothing is mapped there.
  public func mapping(containing address: VirtualAddress) -> Mapping? {
    let index = partition(mappings.count) { mappings[$0].start <= address }
    guard index > 0, mappings[index - 1].contains(address) else { return nil }
    return mappings[index - 1]
  }

  /// More frames than this are taken for a runaway stack unless the caller asks for more.
  public static let defaultFrameLimit = 10_000

  /// The stack that `registers` are the innermost frame of. `isAfterCall` says that their program
  /// counter is a return address, as it is in a jump buffer.
  public func backtrace(
    from registers: RegisterState, limit: Int = defaultFrameLimit, isAfterCall: Bool = false
  ) -> Backtrace {
    Unwinder(architecture: architecture).unwind(
      from: registers, memory: memory, tables: self, limit: limit, isAfterCall: isAfterCall)
  }
}

extension Process: UnwindTableProvider {
  public func unwindTable(for pc: VirtualAddress) -> LocatedUnwindTable? {
    guard let module = module(containing: pc), let table = module.contents.unwindTable else {
      return nil
    }
    return LocatedUnwindTable(table: table, bias: module.bias)
  }

  public func isCode(_ pc: VirtualAddress) -> Bool {
    guard let mapping = mapping(containing: pc) else { return false }
    // A mapping known from NT_FILE alone has no permissions; only a module's can hold code.
    return mapping.protection?.contains(.execute) ?? (module(containing: pc) != nil)
  }
}
