import Bytes
import Targets

extension MachineFindings {
  /// In what `other`, found by another way, differs from this, a line each: nothing where one of
  /// them knows nothing.
  public func differences(from other: MachineFindings) -> [String] {
    memoryDifferences(from: other) + cpuDifferences(from: other)
  }

  /// The map is compared by what lies where: ranges that continue each other are one.
  private func memoryDifferences(from other: MachineFindings) -> [String] {
    let ours = layout.stretches()
    let theirs = other.layout.stretches()
    return ours.subtracting(theirs).sorted(by: { $0.start < $1.start }).map {
      "only one way finds \($0)"
    }
      + theirs.subtracting(ours).sorted(by: { $0.start < $1.start }).map {
        "only the other way finds \($0)"
      }
  }

  private func cpuDifferences(from other: MachineFindings) -> [String] {
    guard cpus.count == other.cpus.count else {
      return ["one way finds \(cpus.count) CPUs, the other \(other.cpus.count)"]
    }
    return zip(cpus, other.cpus).flatMap { ours, theirs in
      ours.x86.differences(from: theirs.x86).map { "CPU \(ours.index): \($0)" }
    }
  }
}

/// A piece of the guest's memory and the host memory that it is.
private struct Stretch: Hashable, CustomStringConvertible {
  let start: PhysicalAddress
  var count: UInt64
  let kind: MemoryMapEntry.Kind
  let host: VirtualAddress

  var description: String { "\(hex(count)) bytes of \(kind) at \(start), which are at \(host)" }
}

extension GuestMemoryLayout {
  fileprivate func stretches() -> Set<Stretch> {
    var found: [Stretch] = []
    for range in ranges.sorted(by: { $0.start < $1.start })
    where blocks.indices.contains(range.block) {
      let host = blocks[range.block].host &+ range.offset
      if let last = found.last, last.kind == range.kind,
        last.start &+ last.count == range.start, last.host &+ last.count == host
      {
        found[found.count - 1].count &+= range.count
      } else {
        found.append(
          Stretch(start: range.start, count: range.count, kind: range.kind, host: host))
      }
    }
    return Set(found)
  }
}

extension X86CPUState {
  /// The registers that both know and in which they differ.
  fileprivate func differences(from other: X86CPUState) -> [String] {
    var differing: [String] = []
    func compare<Value: Equatable>(_ name: String, _ ours: Value?, _ theirs: Value?) {
      if let ours, let theirs, ours != theirs { differing.append("\(name) differs") }
    }
    for register in General.allCases {
      compare("\(register)", general[register], other.general[register])
    }
    compare("rip", rip, other.rip)
    compare("rflags", rflags, other.rflags)
    for register in SegmentRegister.allCases {
      compare("\(register)", segments[register], other.segments[register])
    }
    compare("cr0", cr0, other.cr0)
    compare("cr2", cr2, other.cr2)
    compare("cr3", cr3, other.cr3)
    compare("cr4", cr4, other.cr4)
    for number in debug.keys.sorted() {
      compare("dr\(number)", debug[number], other.debug[number])
    }
    for register in ModelSpecific.allCases {
      compare("\(register)", self[register], other[register])
    }
    // One may know fewer components; those that both know are compared.
    let count = min(extendedState?.count ?? 0, other.extendedState?.count ?? 0)
    if let ours = extendedState?.prefix(min(count, 512)),
      let theirs = other.extendedState?.prefix(min(count, 512)), ours != theirs
    {
      differing.append("the vector registers differ")
    }
    return differing
  }
}
