import Bytes
import Unwinding

/// A kernel's ORC table, completed by the call frame information of its vmlinux.
///
/// ORC says what the kernel itself relies on: where callers are. It leaves out where functions kept
/// rbx and r12 to r15, which variables live in. Call frame information tells, and is believed
/// where both agree on the frame.
struct CombinedTable: UnwindTable {
  let orc: any UnwindTable
  let frames: any UnwindTable

  func row(at address: VirtualAddress) throws(UnwindError) -> UnwindRow? {
    let row: UnwindRow?
    do throws(UnwindError) {
      row = try orc.row(at: address)
    } catch {
      // Damage in the guest's memory doesn't touch the analyst's file.
      if let row = try frames.row(at: address) { return row }
      throw error
    }
    guard var row else { return try frames.row(at: address) }
    guard !row.isSignalFrame, case .registerOffset = row.cfa,
      let described = try frames.row(at: address), described.cfa == row.cfa,
      described.returnAddress == row.returnAddress
    else { return row }
    for entry in row.entries where entry.rule == .undefined && entry.register != row.returnAddress {
      row[entry.register] = described[entry.register]
    }
    return row
  }
}
