public import Bytes
public import ObjectFiles

/// A module that is loaded into a kernel.
public struct KernelModule: Sendable {
  /// `enum module_state` (include/linux/module.h).
  public enum State: UInt64, Hashable, Sendable {
    case live, coming, going, unformed

    /// As /proc/modules has it.
    public var name: String {
      switch self {
      case .live: "Live"
      case .coming: "Loading"
      case .going: "Unloading"
      case .unformed: "Unformed"
      }
    }
  }

  /// A part of a module's memory. The raw value is its place in `enum mod_mem_type`
  /// (include/linux/module.h, 6.4–).
  public enum Part: Int, CaseIterable, Hashable, Sendable {
    case text, data, readOnly, readOnlyAfterInit, initialText, initialData, initialReadOnly

    public var name: String {
      switch self {
      case .text: "text"
      case .data: "data"
      case .readOnly: "rodata"
      case .readOnlyAfterInit: "ro_after_init"
      case .initialText: "init text"
      case .initialData: "init data"
      case .initialReadOnly: "init rodata"
      }
    }
  }

  public struct Region: Hashable, Sendable {
    public let part: Part
    public let range: Range<VirtualAddress>
  }

  /// Where a module's ORC tables are (arch/x86/include/asm/module.h).
  public struct ORCTables: Hashable, Sendable {
    /// `orc_unwind_ip`: per entry, the distance of an address from itself, four bytes.
    public let addresses: VirtualAddress
    /// `orc_unwind`: per entry, `struct orc_entry`.
    public let entries: VirtualAddress
    public let count: UInt64
  }

  /// Of its `struct module`.
  public let address: VirtualAddress
  public let name: String
  /// Nil for a number that no kernel uses.
  public let state: State?
  /// Bits as in the kernel's own taints (kernel/panic.c).
  public let taints: UInt64
  /// In ascending order of their addresses; none is empty.
  public let regions: [Region]
  /// How often it is in use; nil if the kernel doesn't count, or while it is being unloaded.
  public let useCount: Int?
  /// The modules that use it, in the kernel's order.
  public let users: [String]
  public let version: String?
  /// A hash of its sources.
  public let sourceVersion: String?
  /// The parameters that it was loaded with.
  public let arguments: String?
  public let buildID: BuildID?
  public let orc: ORCTables?
  /// Where its own BTF is, which continues the kernel's; nil if it has none.
  public let types: Range<VirtualAddress>?
  /// Its symbols, read when first asked for.
  public let symbols: KernelModuleSymbols
  /// What couldn't be read, a line each.
  public let diagnostics: [String]

  /// How many bytes it takes, as lsmod counts them.
  public var size: UInt64 { regions.reduce(0) { $0 &+ UInt64($1.range.count) } }

  /// Where it begins, as /proc/modules has it: its text.
  public var base: VirtualAddress? {
    (regions.first { $0.part == .text } ?? regions.first)?.range.lowerBound
  }

  /// Whether `address` lies in the module.
  public func contains(_ address: VirtualAddress) -> Bool {
    regions.contains { $0.range.contains(address) }
  }

  /// What its taints are in /proc/modules: letters by bit (kernel/panic.c, `taint_flags`, those with
  /// `module` set).
  public var taintLetters: String { ModuleTaint.letters(taints) }
}

extension Range<VirtualAddress> {
  /// In bytes.
  var count: UInt64 { upperBound.rawValue - lowerBound.rawValue }
}

/// A module that tainted the kernel before it was unloaded.
public struct UnloadedModule: Hashable, Sendable {
  public let name: String
  public let taints: UInt64
  /// How often it was unloaded.
  public let count: UInt64

  /// What its taints are in /proc/modules.
  public var taintLetters: String { ModuleTaint.letters(taints) }
}

/// All modules of a kernel.
public struct KernelModules: Sendable {
  /// In the kernel's order: the one that was loaded last comes first.
  public internal(set) var loaded: [KernelModule] = []
  /// Those that tainted the kernel.
  public internal(set) var unloaded: [UnloadedModule] = []
  /// What is damaged or missing, a line each.
  public internal(set) var diagnostics: [String] = []

  /// The loaded module of that name.
  public func module(named name: String) -> KernelModule? { loaded.first { $0.name == name } }

  /// The loaded module that `address` lies in.
  public func module(at address: VirtualAddress) -> KernelModule? {
    loaded.first { $0.contains(address) }
  }
}

/// What taints say of a module.
enum ModuleTaint {
  /// The bits that a module can have (kernel/panic.c, `taint_flags`; include/linux/panic.h).
  static let letters: [(bit: UInt64, letter: Character)] = [
    (0, "P"), (1, "F"), (10, "C"), (12, "O"), (13, "E"), (15, "K"), (16, "X"), (17, "T"), (18, "N"),
    (19, "J"),
  ]

  static func letters(_ taints: UInt64) -> String {
    String(letters.filter { taints >> $0.bit & 1 != 0 }.map(\.letter))
  }
}
