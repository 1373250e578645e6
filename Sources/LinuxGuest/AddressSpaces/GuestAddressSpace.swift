public import Bytes
internal import Symbols
public import Targets

/// Reads the address spaces of a guest's processes: where members lie is looked up once.
public struct AddressSpaceReader: Sendable {
  let kernel: LinuxKernel
  let memory: StructureLayout<MemoryMember>
  let mapping: StructureLayout<MappingMember>
  let specialMapping: StructureLayout<SpecialMappingMember>
  /// Nil before 6.1.
  let maple: MapleLayouts?
  let counter: StructureLayout<CounterMember>
  /// Of every CPU that may ever count something.
  let perCPUOffsets: Result<[UInt64], StructureError>
  let paths: FilePaths
  let special: SpecialMappings

  /// Throws if the kernel's types don't tell how address spaces are described.
  public init(_ kernel: LinuxKernel) throws(StructureError) {
    self.kernel = kernel
    memory = try StructureLayout(kernel.types)
    mapping = try StructureLayout(kernel.types)
    specialMapping = try StructureLayout(kernel.types)
    counter = try StructureLayout(kernel.types)
    maple = memory[.mappingTree] == nil ? nil : try MapleLayouts(kernel)
    perCPUOffsets = Result { () throws(StructureError) in
      var offsets: [UInt64] = []
      for cpu in try kernel.cpus(.possible) { offsets.append(try kernel.perCPUOffset(cpu)) }
      return offsets
    }
    paths = try FilePaths(kernel)
    special = SpecialMappings(kernel)
  }

  /// The address space of `task`; nil if it has none.
  public func addressSpace(of task: GuestTask) throws(StructureError) -> GuestAddressSpace? {
    guard let address = task.mm else { return nil }
    return try addressSpace(at: address)
  }

  /// The address space whose `struct mm_struct` is at `address`.
  public func addressSpace(at address: VirtualAddress) throws(StructureError) -> GuestAddressSpace {
    let image = StructureImage(memory, at: address, in: kernel.memory)
    let tables = VirtualAddress(try image.unsigned(.pageTables))
    let root: PhysicalAddress
    do throws(PageFault) {
      root = try kernel.memory.translate(tables).physical
    } catch {
      throw .memory(MemoryFault(address: tables, reason: error.reason))
    }
    let own = kernel.place.pageTables
    // With page-table isolation these are the tables of the kernel's half, which map all of the
    // process's memory too.
    let pageTables = X86PageTables(
      root: root, mode: own.mode, encryptionMask: own.encryptionMask,
      physicalBits: own.physicalBits)
    return GuestAddressSpace(
      address: address, pageTables: pageTables,
      memory: VirtualMemory(kernel.machine.memory, pageTables),
      totalSize: try image.unsigned(.totalPages).multipliedReportingOverflow(by: 4096).partialValue,
      arguments: try Self.range(image, .argumentsStart, .argumentsEnd),
      environment: try Self.range(image, .environmentStart, .environmentEnd),
      heap: try Self.range(image, .heapStart, .heapEnd),
      stackStart: VirtualAddress(try image.unsigned(.stackStart)),
      mappingCount: Int(try image.signed(.mappingCount)))
  }

  /// Empty if it ends before it begins.
  private static func range(
    _ image: StructureImage<MemoryMember>, _ start: MemoryMember, _ end: MemoryMember
  ) throws(StructureError) -> Range<VirtualAddress> {
    let start = VirtualAddress(try image.unsigned(start))
    return start..<max(start, VirtualAddress(try image.unsigned(end)))
  }
}

/// The memory of one process of a guest, as its own page tables show it.
public struct GuestAddressSpace: Sendable {
  /// Of its `struct mm_struct`.
  public let address: VirtualAddress
  public let pageTables: X86PageTables
  /// What the process sees; pages that were swapped out or never touched are unmapped here.
  public let memory: VirtualMemory
  /// How many bytes all mappings have together.
  public let totalSize: UInt64
  /// Where the kernel put the program's arguments, and then its environment.
  public let arguments: Range<VirtualAddress>
  public let environment: Range<VirtualAddress>
  /// What `brk` has made.
  public let heap: Range<VirtualAddress>
  /// Where the stack of the first thread began.
  public let stackStart: VirtualAddress
  /// How many mappings the kernel counts.
  public let mappingCount: Int

  /// How many bytes of `range` have pages that are present, zero pages included.
  public func presentSize(of range: Range<VirtualAddress>) -> UInt64 {
    guard !range.isEmpty else { return 0 }
    var total: UInt64 = 0
    pageTables.forEachMapping(
      in: range.lowerBound...(range.upperBound &- 1), of: memory.physical, tableLimit: 1 << 18
    ) { piece in
      let start = max(piece.virtual, range.lowerBound)
      let end = min(piece.virtual &+ piece.count, range.upperBound)
      total &+= end.offset(from: start) ?? 0
    }
    return total
  }
}
