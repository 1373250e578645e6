public import Bytes

/// One independent observation about whether a machine was put together rightly.
public struct MachineProof: Hashable, Sendable, CustomStringConvertible {
  public enum Verdict: String, Hashable, Sendable, Codable {
    /// It could only be so by chance if the machine were wrong.
    case confirmed
    /// It can't be so if the machine is right.
    case refuted
    /// There is nothing to be learned from it.
    case unknown
  }

  public let verdict: Verdict
  /// What was seen.
  public let statement: String

  public init(_ verdict: Verdict, _ statement: String) {
    self.verdict = verdict
    self.statement = statement
  }

  public var description: String { "\(verdict.rawValue): \(statement)" }
}

/// Proves memory map and registers by what the guest itself keeps: page tables and interrupt tables
/// of the CPUs, the firmware's tables, the kernel's map of memory.
public struct MachineCheck: Sendable {
  let memory: PhysicalMemory
  let map: [MemoryMapEntry]
  let cpus: [VCPU]
  private let release: @Sendable (ByteView) -> Void

  /// `release` is called with each part of memory when it was searched. CPUs may be left out where
  /// only memory is to be judged.
  public init(
    memory: PhysicalMemory, map: [MemoryMapEntry], cpus: [VCPU] = [],
    release: @escaping @Sendable (ByteView) -> Void = { _ in }
  ) {
    self.memory = memory
    self.map = map.sorted { $0.start < $1.start }
    self.cpus = cpus
    self.release = release
  }

  public init(
    _ machine: Machine, release: @escaping @Sendable (ByteView) -> Void = { _ in }
  ) {
    self.init(memory: machine.memory, map: machine.map, cpus: machine.cpus, release: release)
  }

  /// All of them. Reads all of memory once.
  public func proofs() -> [MachineProof] { quickProofs() + mapProofs() }

  /// Those that read little of memory: the CPUs' tables and the firmware's.
  public func quickProofs() -> [MachineProof] {
    cpus.flatMap { CPUCheck(memory, $0).proofs() } + firmwareProofs()
  }

  /// What ACPI says of processors and memory.
  public func firmwareProofs() -> [MachineProof] {
    let tables: ACPITables
    do throws(ACPIError) {
      tables = try ACPITables(in: memory)
    } catch {
      return [MachineProof(.unknown, "\(error)")]
    }
    var proofs: [MachineProof] = [
      MachineProof(
        tables.problems.isEmpty ? .confirmed : .unknown,
        "ACPI tables \(tables.tables.map(\.signature).joined(separator: " ")) "
          + "by the root pointer at \(tables.rootPointer)"
          + tables.problems.map { "; \($0)" }.joined())
    ]
    if let count = tables.enabledProcessors, !cpus.isEmpty {
      proofs.append(
        MachineProof(
          count == cpus.count ? .confirmed : .refuted,
          "ACPI (MADT) lists \(count) enabled processors, the machine has \(cpus.count)"))
    }
    for range in tables.memoryAffinities where !range.isHotPluggable {
      let last = range.start &+ (range.count - 1)
      let missing = missingBytes(from: range.start, through: last)
      proofs.append(
        MachineProof(
          missing == 0 ? .confirmed : .refuted,
          "ACPI (SRAT) has memory of node \(range.node) at \(range.start)–\(last), "
            + (missing == 0
              ? "and so has the map" : "of which the map lacks \(missing) bytes")))
    }
    return proofs
  }

  /// What the kernel's e820 tables say. Reads all of memory.
  public func mapProofs() -> [MachineProof] {
    let tables = E820Search(memory, release: release).tables()
    let judged = tables.map { table in
      (table: table, missing: table.entries.filter(\.isUsable).map(missingBytes).reduce(0, &+))
    }
    if let right = judged.first(where: { $0.missing == 0 }) {
      let count = judged.count { $0.missing == 0 }
      let usable = right.table.entries.filter(\.isUsable).map(\.count).reduce(0, &+)
      return [
        MachineProof(
          .confirmed,
          "all \(usable) usable bytes of the kernel's e820 table at physical address "
            + "\(right.table.address) are in the map; \(count) of \(tables.count) tables agree")
      ]
    }
    guard let wrong = judged.min(by: { $0.missing < $1.missing }) else {
      return [MachineProof(.unknown, "no e820 table was found in memory")]
    }
    return [
      MachineProof(
        .refuted,
        "of the usable memory in the kernel's e820 table at physical address "
          + "\(wrong.table.address), the map lacks \(wrong.missing) bytes")
    ]
  }

  private func missingBytes(_ entry: E820Entry) -> UInt64 {
    missingBytes(from: entry.start, through: entry.last)
  }

  /// How many bytes of a range the map hasn't as memory.
  private func missingBytes(from first: PhysicalAddress, through last: PhysicalAddress) -> UInt64 {
    var missing: UInt64 = 0
    // A range of 2⁶⁴ bytes would make this 0; no table has one that begins elsewhere than at 0.
    var next = first.rawValue
    // Tables may name any number of ranges and maps have any number of entries: those that end
    // before the range are skipped at once.
    var low = 0
    var high = map.count
    while low < high {
      let middle = (low + high) / 2
      if map[middle].last.rawValue < next { low = middle + 1 } else { high = middle }
    }
    for entry in map[low...] where entry.last.rawValue >= next {
      if entry.start.rawValue > last.rawValue { break }
      if entry.start.rawValue > next { missing &+= entry.start.rawValue - next }
      if entry.last.rawValue >= last.rawValue { return missing }
      next = entry.last.rawValue + 1
    }
    let rest = (last.rawValue - min(next, last.rawValue)).addingReportingOverflow(1)
    return missing.addingReportingOverflow(rest.overflow ? .max : rest.partialValue).partialValue
  }
}
