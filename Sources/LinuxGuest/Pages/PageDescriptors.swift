internal import Bytes
internal import Targets

/// Where a kernel keeps the `struct page` of each page: sections of 128 MiB, each with an array for its
/// pages (CONFIG_SPARSEMEM, mm/sparse.c), or one array for all (CONFIG_FLATMEM).
struct PageDescriptors: Sendable {
  private enum Model: Sendable {
    /// Addresses of arrays that hold as many sections each (SPARSEMEM_EXTREME), or of one array of
    /// all sections.
    case sparse(roots: Roots)
    /// `mem_map`: the array of all pages.
    case flat(VirtualAddress)
  }

  private enum Roots: Hashable, Sendable {
    case pointers(at: VirtualAddress, sectionsEach: UInt64)
    case sections(at: VirtualAddress)
  }

  private let memory: VirtualMemory
  private let pageSize: UInt64
  private let model: Model
  private let sectionSize: UInt64
  private let sectionMap: UInt64
  /// In pages.
  let sectionPages: UInt64
  private let sectionLimit: UInt64

  /// `SECTION_MARKED_PRESENT`, and the mask of what isn't the address: six bits at most
  /// (include/linux/mmzone.h, `SECTION_MAP_MASK`).
  private static let present: UInt64 = 1
  private static let addressMask: UInt64 = ~63
  /// Kernel addresses are the upper half.
  private static let lowestAddress: UInt64 = 1 << 63

  /// Throws `.missing` if `info` names none of the models.
  init(_ info: VMCoreInfo, _ facts: PageFacts, _ memory: VirtualMemory) throws(LinuxGuestError) {
    self.memory = memory
    pageSize = facts.size
    // arch/x86/include/asm/sparsemem.h, where the text doesn't tell.
    let sectionBits = info.number("SECTION_SIZE_BITS") ?? 27
    let memoryBits =
      info.number("MAX_PHYSMEM_BITS") ?? (info.number("pgtable_l5_enabled") == 1 ? 52 : 46)
    guard (16...40).contains(sectionBits), (sectionBits...57).contains(memoryBits) else {
      throw .missing(key: "NUMBER(SECTION_SIZE_BITS)")
    }
    sectionPages = 1 << UInt64(sectionBits - 12)
    sectionLimit = 1 << UInt64(memoryBits - sectionBits)
    sectionSize = info.size("mem_section") ?? 16
    sectionMap = info.offset("mem_section.section_mem_map") ?? 0
    guard (8...512).contains(sectionSize), sectionMap <= sectionSize - 8 else {
      throw .missing(key: "SIZE(mem_section)")
    }
    if let symbol = info.symbol("mem_section") {
      model = .sparse(
        roots: try Self.roots(
          symbol, info.length("mem_section"), sectionLimit, sectionSize, memory))
    } else if let symbol = info.symbol("mem_map") {
      model = .flat(VirtualAddress(try Self.word(at: symbol, "mem_map", memory)))
    } else {
      throw .missing(key: "SYMBOL(mem_section)")
    }
  }

  /// `symbol` is the address of the array of roots or of sections, as VMCOREINFO has it; or, as
  /// kallsyms have it since 4.15, of a pointer to the former.
  private static func roots(
    _ symbol: VirtualAddress, _ length: UInt64?, _ sectionLimit: UInt64, _ sectionSize: UInt64,
    _ memory: VirtualMemory
  ) throws(LinuxGuestError) -> Roots {
    let each = 4096 / sectionSize
    let isExtreme = length == nil || length == (sectionLimit + each - 1) / each
    guard isExtreme else { return .sections(at: symbol) }
    let first = try word(at: symbol, "mem_section", memory)
    // The first root is where low memory's sections are. Sections begin with an address and flags,
    // never with a kernel address whose own first word is another's: what it points to tells.
    if first >= lowestAddress, first & 4095 == 0 {
      let inner = try word(at: VirtualAddress(first), "the first root of mem_section", memory)
      if inner >= lowestAddress, inner & present == 0, inner & 63 == 0 {
        return .pointers(at: VirtualAddress(first), sectionsEach: each)
      }
    }
    return .pointers(at: symbol, sectionsEach: each)
  }

  private static func word(
    at address: VirtualAddress, _ what: String, _ memory: VirtualMemory
  ) throws(LinuxGuestError) -> UInt64 {
    do throws(MemoryFault) {
      return try memory.word(at: address)
    } catch {
      throw .unreadable(what: what, error)
    }
  }

  /// The address of the descriptor of the first page of section `number`; nil if the kernel has no
  /// such section.
  func section(_ number: UInt64) throws(MemoryFault) -> VirtualAddress? {
    switch model {
    case .flat(let start): return start &+ number &* sectionPages &* pageSize
    case .sparse(let roots):
      guard number < sectionLimit else { return nil }
      let place: VirtualAddress
      switch roots {
      case .sections(let start): place = start &+ number * sectionSize
      case .pointers(let start, let each):
        let root = try memory.word(at: start &+ number / each * 8)
        guard root >= Self.lowestAddress else { return nil }
        place = VirtualAddress(root) &+ number % each * sectionSize
      }
      let map = try memory.word(at: place &+ sectionMap)
      guard map & Self.present != 0 else { return nil }
      // It is stored less the number of the section's first page, so that page numbers index it.
      let start = (map & Self.addressMask) &+ number &* sectionPages &* pageSize
      return start >= Self.lowestAddress ? VirtualAddress(start) : nil
    }
  }
}
