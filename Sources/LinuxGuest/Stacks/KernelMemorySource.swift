import Bytes
import Targets

/// A kernel's memory as an address space fetches it, page by page: the offset is the address.
struct KernelMemorySource: PageSource {
  let memory: VirtualMemory

  private static let pageSize: UInt64 = 4096

  /// All of a page has the same fate, so no more than the rest of one is shown at once.
  func run(at offset: UInt64, limit: UInt64) -> MemoryRun {
    let count = min(limit, Self.pageSize - offset % Self.pageSize)
    do throws(MemoryFault) {
      return .bytes(try memory.readAvailable(VirtualAddress(offset), count: count))
    } catch {
      return .absent(error.reason, count: count)
    }
  }
}

extension AddressSpace {
  /// The upper half of `memory`'s addresses: a kernel's own.
  convenience init(kernel memory: VirtualMemory) {
    // Where addresses of five levels begin (Documentation/arch/x86/x86_64/mm.rst); with four levels
    // the first part of it is no address at all.
    let start = VirtualAddress(0xff00_0000_0000_0000)
    self.init(layers: [
      [
        MemoryRegion(
          start: start, count: 0 &- start.rawValue,
          contents: .fetched(KernelMemorySource(memory: memory), offset: start.rawValue))
      ]
    ])
  }
}
