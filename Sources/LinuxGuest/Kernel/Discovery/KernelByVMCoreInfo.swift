internal import Bytes
internal import Targets

/// The way to a kernel by a VMCOREINFO text.
struct KernelByVMCoreInfo {
  let machine: Machine

  /// The kernel that the note describes which came with the machine. It is believed if it is true of
  /// memory: a note may be of another moment, or made up.
  func locate(note: ByteView) throws(DeadEnd) -> LocatedKernel {
    let text = note.clampedSubview(at: 0, count: Self.limit)
    let info = VMCoreInfo(text: String(decoding: text))
    do throws(RejectedVMCoreInfo) {
      _ = try VMCoreInfoJudge(machine).check(info, at: PhysicalAddress(0))
    } catch {
      throw DeadEnd(reason: "the input's VMCOREINFO isn't true of its memory: \(error.reason)")
    }
    return try locate(info, evidence: ["VMCOREINFO: from the input's own note"])
  }

  /// Texts are one page; makedumpfile may have added lines.
  private static let limit: UInt64 = 1 << 16

  /// The kernel whose VMCOREINFO lies somewhere in memory.
  func search(_ release: @escaping @Sendable (ByteView) -> Void) throws(DeadEnd) -> LocatedKernel {
    let survey = VMCoreInfoSearch(machine, release: release).survey()
    guard let found = survey.found else {
      let rejected = survey.rejected.prefix(4).map { "\($0)" }.joined(separator: ", ")
      throw DeadEnd(
        reason: rejected.isEmpty ? "memory holds no VMCOREINFO" : "no VMCOREINFO: \(rejected)")
    }
    return try locate(found.info, evidence: found.evidence)
  }

  private func locate(_ info: VMCoreInfo, evidence: [String]) throws(DeadEnd) -> LocatedKernel {
    guard let tables = KernelImageMap(info)?.pageTables else {
      throw DeadEnd(reason: "VMCOREINFO doesn't tell where the page tables are")
    }
    return LocatedKernel(
      tables: tables, info: info,
      evidence: evidence + ["page tables: swapper_pg_dir at physical address \(tables.root)"])
  }
}
