internal import Bytes
internal import Symbols
internal import Targets

/// Finds a kernel's symbols in its image.
struct KallsymsFinder {
  let memory: PhysicalMemory

  /// Symbols, and how they were found.
  struct Found {
    let symbols: Kallsyms
    let evidence: String
  }

  // MARK: By VMCOREINFO

  /// The symbols by the addresses of their tables, which VMCOREINFO tells since 6.0
  /// (kernel/kallsyms.c, `vmcore_info`); nil if it doesn't.
  func find(by info: VMCoreInfo, in virtual: VirtualMemory) throws(SymbolError) -> Found? {
    guard let countPlace = info.symbol("kallsyms_num_syms"),
      let names = info.symbol("kallsyms_names"),
      let table = info.symbol("kallsyms_token_table"),
      let index = info.symbol("kallsyms_token_index")
    else { return nil }
    let tables: KallsymsTables
    do throws(MemoryFault) {
      let count = Int(try virtual.load(UInt32.self, at: countPlace))
      guard count <= KallsymsTables.countLimit, names < table, table < index else {
        throw MemoryFault(address: countPlace, reason: .unmapped)
      }
      guard let addresses = try addresses(by: info, count: count, in: virtual) else { return nil }
      tables = KallsymsTables(
        count: count,
        // Other tables lie between the names and the tokens in all versions.
        names: try virtual.read(names, count: table.rawValue - names.rawValue),
        tokenTable: try virtual.read(table, count: index.rawValue - table.rawValue),
        tokenIndex: try virtual.read(index, count: 512), addresses: addresses)
    } catch {
      throw .malformed(
        what: "kallsyms", offset: error.address.rawValue, reason: "\(error)")
    }
    let symbols = try Kallsyms(tables)
    return Found(
      symbols: symbols,
      evidence: "kallsyms: \(symbols.count) symbols, at the addresses in VMCOREINFO")
  }

  private func addresses(
    by info: VMCoreInfo, count: Int, in virtual: VirtualMemory
  ) throws(MemoryFault) -> KallsymsAddresses? {
    if let place = info.symbol("kallsyms_addresses") {
      return .absolute(try virtual.read(place, count: UInt64(count) * 8))
    }
    guard let place = info.symbol("kallsyms_offsets") else { return nil }
    let offsets = try virtual.read(place, count: UInt64(count) * 4)
    guard let basePlace = info.symbol("kallsyms_relative_base") else {
      return .placeRelative(offsets, address: place.rawValue)
    }
    let base = try virtual.word(at: basePlace)
    return KallsymsAddresses.fitting(
      [.absolutePerCPU(offsets, base: base), .relative(offsets, base: base)], count: count)
  }

  // MARK: By shape

  /// More places that look like tables of tokens no image has.
  private static let hintLimit = 64

  /// The symbols in the image that `tables` map; nil if there are none.
  func find(in mapping: KernelImageMapping) -> Found? {
    for extent in mapping.extents {
      for part in memory.readableParts(of: extent.physical, count: extent.count) {
        let offset = part.start.rawValue - extent.physical.rawValue
        if let found = find(in: part, at: extent.virtual &+ offset) { return found }
      }
    }
    return nil
  }

  /// The symbols whose tables lie in `part`, which the kernel sees at `address`.
  private func find(in part: PhysicalPart, at address: VirtualAddress) -> Found? {
    let image: ByteView
    do throws(PhysicalFault) {
      image = try memory.read(part.start, count: part.count)
    } catch {
      // It was readable a moment ago.
      return nil
    }
    var hints = Set<UInt64>()
    KallsymsShape.forEachHint(in: image) { offset, back in
      if offset >= back, hints.count < Self.hintLimit { hints.insert(offset - back) }
    }
    let shape = KallsymsShape(image, address: address.rawValue)
    for hint in hints.sorted() where KallsymsShape.isTokenTable(image, at: hint) {
      guard let tables = shape.tables(at: hint) else { continue }
      do throws(SymbolError) {
        // Only the names are kept: an image that had to be unpacked needn't be.
        let symbols = try Kallsyms(tables.copied)
        return Found(
          symbols: symbols,
          evidence: "kallsyms: \(symbols.count) symbols, by the shape of their tables near "
            + "\(address &+ hint)")
      } catch {
        continue
      }
    }
    return nil
  }
}

extension KallsymsTables {
  /// The same tables in memory of their own.
  var copied: KallsymsTables {
    KallsymsTables(
      count: count, names: ByteView(copying: names.copy()),
      tokenTable: ByteView(copying: tokenTable.copy()),
      tokenIndex: ByteView(copying: tokenIndex.copy()), addresses: addresses)
  }
}
