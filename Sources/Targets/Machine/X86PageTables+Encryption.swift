internal import Bytes

extension X86PageTables {
  /// These tables with the encryption bit that their entries turn out to have: the one bit that is
  /// set in CR3 or in every entry of the root, lies beyond all of the machine's memory, and without
  /// which the entries lead to memory. Where CPUID 8000_001F says it is (AMD APM volume 3, appendix
  /// E.4.17) a dump doesn't tell. Unchanged if there is no such bit.
  public func inferringEncryption(in memory: PhysicalMemory) -> X86PageTables {
    guard format.entrySize == 8, encryptionMask == 0, mode != .none,
      let last = memory.segments.last
    else { return self }
    let end = last.start &+ (last.count - 1)
    for bit in UInt64(36)...51 where end.rawValue >> bit == 0 {
      let mask = UInt64(1) << bit
      let tables = X86PageTables(
        root: root, mode: mode, encryptionMask: mask, physicalBits: physicalBits)
      if tables.entriesLead(to: memory, only: mask) { return tables }
    }
    return self
  }

  /// Whether the root has entries, and all of them carry `mask` and lead to memory without it.
  private func entriesLead(to memory: PhysicalMemory, only mask: UInt64) -> Bool {
    guard let level = format.levels.first else { return false }
    var count = 0
    do throws(PhysicalFault) {
      for index in 0..<level.entryCount {
        let value = try memory.pageTableEntry(
          at: root &+ index * format.entrySize, size: format.entrySize)
        guard case .table(let next, _) = decode(value, at: level) else { continue }
        guard value & mask != 0 else { return false }
        if case .absent(.unmapped, _) = memory.run(at: PhysicalAddress(next), limit: 1) {
          return false
        }
        count += 1
      }
    } catch {
      // No table is there, with this bit or without.
      return false
    }
    return count > 0
  }
}
