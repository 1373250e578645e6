public import Bytes
import Synchronization

/// A module's call frame information: `.eh_frame`, with its `.eh_frame_hdr` if there is one, or
/// `.debug_frame`.
///
/// Addresses are link-time ones. Nothing is read before it's asked for, and the bytes are trusted
/// in nothing: a damaged table gives an error or no row.
public final class CFITable: UnwindTable {
  private let reader: CFIReader
  private let header: EHFrameHeader?
  private let state = Mutex(State())

  private struct State {
    /// Made when the linker's table doesn't answer.
    var index: CFIIndex?
    /// The rows last asked for, at a place that follows from the address.
    var rows: [CachedRow] = []
  }

  private struct CachedRow {
    let address: VirtualAddress
    let row: UnwindRow?
  }

  /// Real stacks return to far fewer places of one module.
  private static let cacheSize = 1024

  public init(
    _ section: CFISection, header: EHFrameHeader? = nil, bases: PointerBases = PointerBases(),
    architecture: Architecture = .x86_64
  ) {
    reader = CFIReader(section: section, bases: bases, architecture: architecture)
    self.header = section.kind == .ehFrame ? header : nil
  }

  /// The row for the instruction at `address`; nil if no FDE covers it. Throws if its FDE or CIE is
  /// damaged.
  public func row(at address: VirtualAddress) throws(UnwindError) -> UnwindRow? {
    let slot = Int(truncatingIfNeeded: address.rawValue % UInt64(Self.cacheSize))
    let cached = state.withLock { state -> CachedRow? in
      guard !state.rows.isEmpty, state.rows[slot].address == address else { return nil }
      return state.rows[slot]
    }
    if let cached { return cached.row }
    var row: UnwindRow?
    if let description = try description(containing: address) {
      var program = try CFIProgram(description, reader)
      row = try program.row(at: address)
    }
    state.withLock { state in
      if state.rows.isEmpty {
        // No instruction is at the last address, so the empty slots answer for nothing.
        let empty = CachedRow(address: VirtualAddress(.max), row: nil)
        state.rows = Array(repeating: empty, count: Self.cacheSize)
      }
      state.rows[slot] = CachedRow(address: address, row: row)
    }
    return row
  }

  /// The code that the FDE of `address` covers: in practice the function, or its hot or cold part.
  /// Nil if no FDE does; throws if it is damaged.
  public func codeRange(
    containing address: VirtualAddress
  ) throws(UnwindError) -> Range<VirtualAddress>? {
    try description(containing: address).map {
      VirtualAddress($0.start)..<VirtualAddress($0.end)
    }
  }

  /// The code that each FDE covers, by start.
  public var codeRanges: [Range<VirtualAddress>] {
    index.entries.map { VirtualAddress($0.start)..<VirtualAddress($0.end) }
  }

  /// The rows along the FDE of `address`, each with the address it begins at.
  public func rows(
    alongFunctionAt address: VirtualAddress
  ) throws(UnwindError) -> [(address: VirtualAddress, row: UnwindRow)] {
    guard let description = try description(containing: address) else { return [] }
    var program = try CFIProgram(description, reader)
    var rows: [(address: VirtualAddress, row: UnwindRow)] = []
    while let (address, row) = try program.nextRow() {
      rows.append((VirtualAddress(address), row))
    }
    return rows
  }

  /// What is wrong with the first entry that can't be read, or nil. Reads the whole section.
  public var damage: UnwindError? { index.damage }

  private var index: CFIIndex {
    state.withLock { state in
      if let index = state.index { return index }
      let index = CFIIndex(reader)
      state.index = index
      return index
    }
  }

  /// The linker's table answers if the FDE that it names does cover `address`; if it doesn't, it
  /// may be lying, unsorted or incomplete, and all FDEs are asked.
  private func description(
    containing address: VirtualAddress
  ) throws(UnwindError) -> FrameDescription? {
    if let candidate = header?.fdeAddress(for: address) {
      let offset = candidate &- reader.section.address.rawValue
      do throws(UnwindError) {
        let description = try reader.fde(at: offset)
        if description.contains(address), !description.isDiscarded { return description }
      } catch {
        // Whether this entry is damaged or the table is, the index tells.
      }
    }
    guard let offset = index.fde(for: address) else { return nil }
    return try reader.fde(at: offset)
  }
}
