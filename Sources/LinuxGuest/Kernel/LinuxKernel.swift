public import Bytes
public import Symbols
internal import Synchronization
public import Targets

/// A Linux kernel in a machine's memory: its symbols, its types and its memory, from which
/// everything else about it is read.
public final class LinuxKernel: Sendable {
  public let machine: Machine
  /// `6.1.0-53-cloud-amd64`, by the kernel's own `init_uts_ns`.
  public let release: String
  /// `#1 SMP PREEMPT_DYNAMIC Debian …`.
  public let version: String
  /// Nil if none was found: everything else was then worked out without it.
  public let vmcoreInfo: VMCoreInfo?
  public let place: KernelPlace
  /// The kernel's memory, through its own page tables.
  public let memory: VirtualMemory
  /// The image's symbols (kallsyms), at the addresses where they are now; modules have their own.
  public let symbols: any SymbolTable
  /// The image's types, by BTF or, without, by the DWARF of a vmlinux; `hasTypes` tells whether there
  /// are any.
  public let types: any TypeLibrary
  /// The vmlinux that `types` are from; nil if the image describes them itself.
  public let typesFile: KernelDebugFile?
  /// How each part was found, a line each.
  public let evidence: [String]
  /// Those of `diagnostics` that types make no difference to.
  let problems: [String]
  /// What was read of it before.
  private let modulesRead = Mutex<KernelModules?>(nil)

  public init(
    machine: Machine, release: String, version: String, vmcoreInfo: VMCoreInfo?,
    place: KernelPlace, memory: VirtualMemory, symbols: any SymbolTable, types: any TypeLibrary,
    typesFile: KernelDebugFile? = nil, evidence: [String], diagnostics: [String]
  ) {
    self.machine = machine
    self.release = release
    self.version = version
    self.vmcoreInfo = vmcoreInfo
    self.place = place
    self.memory = memory
    self.symbols = symbols
    self.types = types
    self.typesFile = typesFile
    self.evidence = evidence
    problems = diagnostics
  }

  /// What is damaged, missing or doubtful, a line each.
  public var diagnostics: [String] {
    if hasTypes { return problems }
    return problems
      + ["the kernel's image holds no BTF: without its vmlinux (--symbols) no type is known"]
  }

  /// The modules, once they were read.
  var cachedModules: KernelModules? {
    get { modulesRead.withLock { $0 } }
    set { modulesRead.withLock { $0 = newValue } }
  }

  /// What lies at `address`, seen as the type `type` (as C spells it: `struct task_struct`).
  public func object(
    _ type: String, at address: VirtualAddress
  ) throws(StructureError) -> TypedAddress {
    let found: TypeReference?
    do throws(SymbolError) {
      found = try types.type(named: type)
    } catch {
      throw .symbols(error)
    }
    guard let found else { throw .noType(type) }
    return TypedAddress(address: address, type: found, memory: memory)
  }

  /// The variable `name`, of the type `type`: BTF doesn't tell the types of variables.
  public func variable(
    _ name: String, _ type: String
  ) throws(StructureError) -> TypedAddress {
    guard let symbol = symbols.symbol(named: name) else { throw .noVariable(name) }
    return try object(type, at: VirtualAddress(symbol.address))
  }
}
