import Bytes
import ObjectFiles

/// Names for the entries of the procedure linkage table, which has no symbols of its own: `foo@plt`
/// is the stub that jumps through the slot which `foo`'s address is written to.
///
/// x86-64 stubs (psABI x86-64, section 5.2, and its variants for `-z ibtplt`) contain
///
///     ff 25 disp32     jmp *disp32(%rip)
///
/// at their start, after `endbr64` (f3 0f 1e fa), or after that and a `bnd` prefix (f2).
struct LinkageTable {
  private let image: ELFImage

  init(_ image: ELFImage) { self.image = image }

  private static let sectionNames = [".plt", ".plt.sec", ".plt.got"]

  func symbols() throws(ObjectError) -> [ELFSymbol] {
    guard image.header.machine == .x86_64 else { return [] }
    var symbols: [ELFSymbol] = []
    let slots = try slots()
    guard !slots.isEmpty else { return [] }
    for name in Self.sectionNames {
      guard let section = image.section(named: name), section.type != .noBits else { continue }
      let stubs = try image.contents(of: section)
      let step: UInt64 = section.entrySize == 8 ? 8 : 16
      for offset in stride(from: UInt64(0), to: UInt64(stubs.count), by: Int(step)) {
        let stub = section.address &+ offset
        let code = stubs.clampedSubview(at: offset, count: step)
        guard let slot = Self.slot(of: code, at: stub), let target = slots[slot] else { continue }
        symbols.append(
          ELFSymbol(
            name: target + "@plt", address: stub.rawValue, size: step, kind: .procedureLinkage,
            binding: .local))
      }
    }
    return symbols
  }

  /// The address of the slot that a stub jumps through.
  private static func slot(of code: ByteView, at address: VirtualAddress) -> UInt64? {
    let bytes = code.bytes
    for start in [0, 1, 4, 5] where start + 6 <= bytes.byteCount {
      guard bytes[start] == 0xff, bytes[start + 1] == 0x25 else { continue }
      do throws(ByteError) {
        let displacement = try code.load(Int32.self, at: UInt64(start + 2))
        return (address &+ UInt64(start + 6)).rawValue
          &+ UInt64(bitPattern: Int64(displacement))
      } catch {
        return nil  // Can't happen: the six bytes were counted.
      }
    }
    return nil
  }

  /// The names written to each slot by the dynamic linker, from `Elf64_Rela` entries:
  ///
  ///     0  r_offset u64   8  r_info u64 (symbol << 32 | type)   16  r_addend i64
  private func slots() throws(ObjectError) -> [UInt64: String] {
    guard let dynamic = try image.dynamicSymbolTable() else { return [:] }
    var slots: [UInt64: String] = [:]
    for name in [".rela.plt", ".rela.dyn"] {
      guard let section = image.section(named: name), section.type != .noBits else { continue }
      let entries = try image.contents(of: section)
      do throws(ByteError) {
        try Self.add(entries, names: dynamic, to: &slots)
      } catch {
        throw .damaged(what: "section \(name)", offset: section.fileOffset, cause: error)
      }
    }
    return slots
  }

  /// R_X86_64_GLOB_DAT and R_X86_64_JUMP_SLOT write a symbol's address.
  private static func isSlot(_ type: UInt32) -> Bool { type == 6 || type == 7 }

  private static func add(
    _ entries: ByteView, names table: ELFSymbolTable, to slots: inout [UInt64: String]
  ) throws(ByteError) {
    // Symbols are looked up by number: one pass over the table is cheaper than decoding each anew.
    let symbols = Array(table)
    var cursor = ByteCursor(entries)
    while cursor.remaining >= 24 {
      let slot = try cursor.read(UInt64.self)
      let info = try cursor.read(UInt64.self)
      try cursor.skip(8)
      guard isSlot(UInt32(truncatingIfNeeded: info)), info >> 32 < symbols.count else { continue }
      let name = try table.name(of: symbols[Int(info >> 32)])
      if !name.isEmpty { slots[slot] = String(name.prefix { $0 != "@" }) }
    }
  }
}
