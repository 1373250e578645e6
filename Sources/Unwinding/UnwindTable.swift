public import Bytes

/// One module's unwind information, by the addresses that its file gives (link-time addresses).
public protocol UnwindTable: Sendable {
  /// The row for the instruction at `address`; nil if the table says nothing about it. Throws if
  /// what it says is damaged.
  func row(at address: VirtualAddress) throws(UnwindError) -> UnwindRow?
}

/// A module's unwind table and where the module was loaded.
public struct LocatedUnwindTable: Sendable {
  public let table: any UnwindTable
  /// What has to be added to a link-time address to get the run-time one, modulo 2⁶⁴.
  public let bias: UInt64

  public init(table: any UnwindTable, bias: UInt64) {
    self.table = table
    self.bias = bias
  }
}

/// The unwind tables of an address space.
public protocol UnwindTableProvider: Sendable {
  /// The table of the module whose code holds `pc` (a run-time address); nil if there is none.
  /// For a frame at a call, `pc` is an address inside the call instruction. Asked for every frame,
  /// so tables should be kept: their rows are cached in them.
  func unwindTable(for pc: VirtualAddress) -> LocatedUnwindTable?
  /// Whether `pc` lies in memory that may be executed.
  func isCode(_ pc: VirtualAddress) -> Bool
}

/// Several tables of one module, best first: `.eh_frame`, and the `.debug_frame` of its debug file.
public struct UnwindTableChain: UnwindTable {
  public let tables: [any UnwindTable]

  public init(_ tables: [any UnwindTable]) { self.tables = tables }

  /// The first table's row. A damaged table hides a later one's row only if that has none.
  public func row(at address: VirtualAddress) throws(UnwindError) -> UnwindRow? {
    var failure: UnwindError?
    for table in tables {
      do throws(UnwindError) {
        if let row = try table.row(at: address) { return row }
      } catch {
        if failure == nil { failure = error }
      }
    }
    if let failure { throw failure }
    return nil
  }
}
