public import Bytes
internal import Symbols
public import Targets

/// How many pages of a process are in memory, as the kernel counts them.
public struct ResidentPages: Hashable, Sendable {
  /// Of files, without shared memory.
  public var file: Int64
  public var anonymous: Int64
  public var swapped: Int64
  /// Of shared memory.
  public var shared: Int64

  /// What ps calls RSS, in bytes. The kernel's counts may be off by a few pages.
  public var residentSize: UInt64 {
    let pages = file.clamping(adding: anonymous).clamping(adding: shared)
    return UInt64(max(pages, 0)).multipliedReportingOverflow(by: 4096).partialValue
  }
}

extension AddressSpaceReader {
  /// The counts of the address space at `address`; nil if this kernel keeps them in a way that isn't
  /// known here.
  public func residentPages(at address: VirtualAddress) throws(StructureError) -> ResidentPages? {
    let image = StructureImage(memory, at: address, in: kernel.memory)
    var counts: [Int64] = []
    if memory[.residentCounts] != nil {
      for index in 0..<Self.counterCount {
        counts.append(Int64(bitPattern: try image.word(index, of: .residentCounts)))
      }
    } else if let place = memory[.residentCounters],
      place.byteCount == Self.counterCount &* counter.byteCount
    {
      for index in 0..<Self.counterCount {
        counts.append(
          try sum(at: image.address &+ place.offset &+ index &* counter.byteCount))
      }
    } else {
      return nil
    }
    return ResidentPages(
      file: counts[0], anonymous: counts[1], swapped: counts[2], shared: counts[3])
  }

  /// `NR_MM_COUNTERS` (include/linux/mm_types_task.h): MM_FILEPAGES, MM_ANONPAGES, MM_SWAPENTS,
  /// MM_SHMEMPAGES.
  private static let counterCount: UInt64 = 4

  /// `percpu_counter_sum` (lib/percpu_counter.c): what all have in common, and what each CPU has
  /// counted since.
  private func sum(at address: VirtualAddress) throws(StructureError) -> Int64 {
    let image = StructureImage(counter, at: address, in: kernel.memory)
    var sum = try image.signed(.count)
    guard counter[.counters] != nil else { return sum }
    let counters = VirtualAddress(try image.unsigned(.counters))
    for offset in try perCPUOffsets.get() {
      do throws(MemoryFault) {
        sum = sum.clamping(
          adding: Int64(try kernel.memory.load(Int32.self, at: counters &+ offset)))
      } catch {
        throw .memory(error)
      }
    }
    return sum
  }
}

extension Int64 {
  /// The sum, or the nearest number there is.
  fileprivate func clamping(adding other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    guard overflow else { return sum }
    return other < 0 ? .min : .max
  }
}
