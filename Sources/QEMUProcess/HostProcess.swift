public import Bytes
public import Targets
public import Unwinding

/// One mapping of the QEMU process: what this room needs to know of it.
public struct HostMapping: Hashable, Sendable {
  public let start: VirtualAddress
  /// The first address past the mapping.
  public let end: VirtualAddress
  public let isReadable: Bool
  public let isWritable: Bool
  public let isExecutable: Bool
  /// The mapped file, or a kernel name such as `[heap]`; nil for anonymous memory.
  public let path: String?

  public init(
    start: VirtualAddress, end: VirtualAddress, isReadable: Bool, isWritable: Bool,
    isExecutable: Bool, path: String? = nil
  ) {
    self.start = start
    self.end = end
    self.isReadable = isReadable
    self.isWritable = isWritable
    self.isExecutable = isExecutable
    self.path = path
  }

  /// In bytes; 0 for a mapping whose end doesn't follow its start.
  public var count: UInt64 { end.offset(from: start) ?? 0 }

  func contains(_ address: UInt64) -> Bool {
    start.rawValue <= address && address < end.rawValue
  }
}

/// One thread of the QEMU process as the kernel knew it.
public struct HostThread: Hashable, Sendable {
  /// The kernel's number for the thread.
  public let id: Int32
  public let name: String?
  public let registers: RegisterState
  /// `fs_base` on x86-64, `tpidr_el0` on AArch64; nil if the dump doesn't tell.
  public let threadPointer: VirtualAddress?

  public init(
    id: Int32, name: String? = nil, registers: RegisterState, threadPointer: VirtualAddress?
  ) {
    self.id = id
    self.name = name
    self.registers = registers
    self.threadPointer = threadPointer
  }
}

/// What the search for coroutines needs of a process; nothing of it depends on symbols.
public struct HostProcess: Sendable {
  public let architecture: Architecture
  /// In ascending order.
  public let mappings: [HostMapping]
  public let threads: [HostThread]
  public let memory: AddressSpace

  public init(
    architecture: Architecture = .x86_64, mappings: [HostMapping], threads: [HostThread],
    memory: AddressSpace
  ) {
    self.architecture = architecture
    self.mappings = mappings.sorted { $0.start < $1.start }
    self.threads = threads
    self.memory = memory
  }

  /// The mapping that holds `address`.
  public func mapping(containing address: VirtualAddress) -> HostMapping? {
    var low = 0
    var high = mappings.count
    while low < high {
      let middle = (low + high) / 2
      if mappings[middle].start <= address { low = middle + 1 } else { high = middle }
    }
    guard low > 0, mappings[low - 1].contains(address.rawValue) else { return nil }
    return mappings[low - 1]
  }

  /// Whether `address` lies in code that the program can't have written itself: what a translator
  /// generates (QEMU's own holds guest-made code) doesn't count.
  func isCode(_ address: UInt64) -> Bool {
    guard let mapping = mapping(containing: VirtualAddress(address)) else { return false }
    return mapping.isExecutable && !mapping.isWritable
  }

  func isWritable(_ address: UInt64) -> Bool {
    mapping(containing: VirtualAddress(address))?.isWritable ?? false
  }
}
