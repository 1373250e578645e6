internal import Bytes
internal import Symbols
internal import Synchronization
internal import Targets

/// The way to a kernel by nothing but its memory: somewhere its symbols have their shape; they tell
/// the image's virtual addresses, and page tables that map it so tell its physical ones.
struct KernelByShape {
  let memory: PhysicalMemory
  let release: @Sendable (ByteView) -> Void

  init(_ memory: PhysicalMemory, release: @escaping @Sendable (ByteView) -> Void) {
    self.memory = memory
    self.release = release
  }

  func locate() throws(DeadEnd) -> LocatedKernel {
    var found: [LocatedKernel] = []
    var reasons: [String] = []
    for hint in hints() where isTokenTable(hint) {
      guard let candidate = candidate(around: hint) else { continue }
      if let kernel = kernel(candidate, tokens: hint) {
        if !found.contains(where: { $0.tables == kernel.tables }) { found.append(kernel) }
      } else {
        reasons.append("no page tables map the kernel whose kallsyms are at \(hint)")
      }
    }
    guard let kernel = found.first else {
      throw DeadEnd(reason: reasons.first ?? "memory holds no kallsyms")
    }
    // No CPU tells which of several runs: naming one would be a guess.
    guard found.count == 1 else {
      let roots = found.map { "\($0.tables.root)" }.joined(separator: ", ")
      throw DeadEnd(reason: "memory holds several kernels, with page tables at \(roots)")
    }
    return kernel
  }

  // MARK: Where symbols may be

  /// More places no real memory has.
  private static let hintLimit = 1 << 12

  private func hints() -> [PhysicalAddress] {
    let found = Mutex(LowestAddresses(limit: Self.hintLimit))
    PhysicalScan(memory, release: release).forEachWindow { start, bytes in
      guard start.rawValue & 7 == 0 else { return }
      KallsymsShape.forEachHint(in: bytes) { offset, back in
        let address = start &+ offset
        guard address.rawValue >= back else { return }
        found.withLock { $0.add(address &- back) }
      }
    }
    var unique: [PhysicalAddress] = []
    for address in found.withLock({ $0.sorted }) where address != unique.last {
      unique.append(address)
    }
    return unique
  }

  private func isTokenTable(_ hint: PhysicalAddress) -> Bool {
    guard let near = part(around: hint, reach: KallsymsShape.tokenReach) else { return false }
    return KallsymsShape.isTokenTable(near.view, at: hint.rawValue - near.start.rawValue)
  }

  /// The bytes around `address` as far as they are there, from a page's start.
  private func part(
    around address: PhysicalAddress, reach: UInt64
  ) -> (start: PhysicalAddress, view: ByteView)? {
    let lower = (address.rawValue - min(address.rawValue, reach)) & ~4095
    let count = address.rawValue - lower + reach
    for part in memory.readableParts(of: PhysicalAddress(lower), count: count)
    where part.start <= address && address.rawValue - part.start.rawValue < part.count {
      do throws(PhysicalFault) {
        return (part.start, try memory.read(part.start, count: part.count))
      } catch {
        return nil
      }
    }
    return nil
  }

  /// How far from the tokens the other tables reach: a million symbols take 16 MiB.
  private static let reach: UInt64 = 32 << 20

  /// The symbols around a hint. Where addresses are stored as distances from themselves, they are as
  /// if physical memory were mapped where images are.
  private func candidate(around hint: PhysicalAddress) -> KallsymsTables? {
    guard let part = part(around: hint, reach: Self.reach) else { return nil }
    let shape = KallsymsShape(part.view, address: KernelImageMap.start &+ part.start.rawValue)
    return shape.tables(at: hint.rawValue - part.start.rawValue)?.copied
  }

  private func symbols(_ tables: KallsymsTables) -> Kallsyms? {
    do throws(SymbolError) {
      return try Kallsyms(tables)
    } catch {
      // Addresses in disorder, or names that aren't all there.
      return nil
    }
  }

  // MARK: Where the image lies

  /// Kernels are moved by multiples of this (`CONFIG_PHYSICAL_ALIGN`, at least 2 MiB).
  private static let alignment: UInt64 = 2 << 20

  /// The kernel with those symbols, whose tokens lie at `tokens`: the image holds that place, so
  /// there are only as many places for it as the image has units of its alignment.
  private func kernel(_ tables: KallsymsTables, tokens: PhysicalAddress) -> LocatedKernel? {
    guard let symbols = symbols(tables) else { return nil }
    if case .placeRelative = tables.addresses {
      return placedKernel(tables, symbols, tokens: tokens)
    }
    guard let start = symbols.address(named: "_text"), let end = symbols.address(named: "_end"),
      let directory = symbols.kernelPageTables, start < end,
      end.rawValue - start.rawValue <= KernelDiscovery.imageLimit
    else { return nil }
    let size = end.rawValue - start.rawValue
    var place = tokens.rawValue & ~(Self.alignment - 1) | start.rawValue & (Self.alignment - 1)
    while place.addingReportingOverflow(size).partialValue > tokens.rawValue {
      let distance = start.rawValue &- place
      let root = PhysicalAddress(directory.rawValue &- distance)
      for tables in possibleTables(root)
      where maps(tables, start, to: PhysicalAddress(place)) && maps(tables, directory, to: root) {
        return located(tables, symbols, tokens: tokens)
      }
      guard place >= Self.alignment else { break }
      place -= Self.alignment
    }
    return nil
  }

  private func possibleTables(_ root: PhysicalAddress) -> [X86PageTables] {
    [X86PagingMode.fourLevel, .fiveLevel].flatMap { mode in
      let plain = X86PageTables(root: root, mode: mode)
      let inferred = plain.inferringEncryption(in: memory)
      return inferred == plain ? [plain] : [plain, inferred]
    }
  }

  /// The kernel with symbols whose physical addresses are known: its own page tables tell the virtual
  /// ones.
  private func placedKernel(
    _ tables: KallsymsTables, _ symbols: Kallsyms, tokens: PhysicalAddress
  ) -> LocatedKernel? {
    guard case .placeRelative(let offsets, let address) = tables.addresses,
      let start = symbols.address(named: "_text"), let directory = symbols.kernelPageTables
    else { return nil }
    let place = PhysicalAddress(start.rawValue &- KernelImageMap.start)
    let root = PhysicalAddress(directory.rawValue &- KernelImageMap.start)
    for own in possibleTables(root) {
      for extent in KernelImageMapping(own, in: memory).extents {
        guard let offset = place.offset(from: extent.physical), offset < extent.count else {
          continue
        }
        let shift = extent.virtual.rawValue &+ offset &- start.rawValue
        let moved = KallsymsTables(
          count: tables.count, names: tables.names, tokenTable: tables.tokenTable,
          tokenIndex: tables.tokenIndex,
          addresses: .placeRelative(offsets, address: address &+ shift))
        guard maps(own, directory &+ shift, to: root), let symbols = self.symbols(moved) else {
          continue
        }
        return located(own, symbols, tokens: tokens)
      }
    }
    return nil
  }

  private func located(
    _ tables: X86PageTables, _ symbols: Kallsyms, tokens: PhysicalAddress
  ) -> LocatedKernel {
    LocatedKernel(
      tables: tables, symbols: symbols,
      evidence: [
        "kallsyms: \(symbols.count) symbols, by the shape of their tables near physical "
          + "address \(tokens)",
        "page tables: init_top_pgt at physical address \(tables.root), which maps itself and _text",
      ])
  }

  private func maps(
    _ tables: X86PageTables, _ address: VirtualAddress, to place: PhysicalAddress
  ) -> Bool {
    do throws(PageFault) {
      return try tables.translate(address, in: memory).physical == place
    } catch {
      return false
    }
  }
}
