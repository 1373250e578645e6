public import Bytes

/// Memory as the code of a guest sees it: physical memory through page tables. May be read by
/// several threads at once.
public final class VirtualMemory: Memory {
  public let physical: PhysicalMemory
  public let tables: any PageTables
  private let cache = TranslationCache()

  public init(_ physical: PhysicalMemory, _ tables: some PageTables) {
    self.physical = physical
    self.tables = tables
  }

  /// What the code on `cpu` sees; nil if its registers don't tell where its page tables are.
  public convenience init?(_ physical: PhysicalMemory, cpu: X86CPUState) {
    guard let tables = X86PageTables(cpu: cpu) else { return nil }
    self.init(physical, tables)
  }

  /// Where `address` leads.
  public func translate(_ address: VirtualAddress) throws(PageFault) -> PageTranslation {
    try tables.translate(address, in: physical)
  }

  /// More is never read at once: page tables can map one page a billion times over.
  public static let readLimit: UInt64 = 1 << 30

  /// As `Memory` says. More than `readLimit` bytes are refused as if the byte at that distance were
  /// unmapped.
  public func read(
    _ address: VirtualAddress, count: UInt64
  ) throws(MemoryFault) -> ByteView {
    let offset = address.rawValue & TranslationCache.pageMask
    if count <= TranslationCache.pageSize - offset {
      if let page = try page(at: address) { return page.clampedSubview(at: offset, count: count) }
      return try readPhysical(address, translated(address), count: count)
    }
    return try readLong(address, count: count)
  }

  public func word(at address: VirtualAddress) throws(MemoryFault) -> UInt64 {
    let bytes = try read(address, count: 8)
    do throws(ByteError) {
      return try bytes.load(UInt64.self, at: 0)
    } catch {
      throw MemoryFault(address: address, reason: .unmapped)
    }
  }

  /// The page of 4 KiB that `address` lies in; nil if its bytes don't lie together.
  private func page(at address: VirtualAddress) throws(MemoryFault) -> ByteView? {
    let number = address.rawValue >> TranslationCache.pageShift
    if let page = cache[number] { return page }
    let place = try translated(address)
    let start = PhysicalAddress(place.physical.rawValue & ~TranslationCache.pageMask)
    switch physical.run(at: start, limit: TranslationCache.pageSize) {
    case .bytes(let view) where UInt64(view.count) == TranslationCache.pageSize:
      cache[number] = view
      return view
    case .zeros(TranslationCache.pageSize):
      cache[number] = TranslationCache.zeroPage
      return TranslationCache.zeroPage
    case .bytes, .zeros, .absent:
      return nil
    }
  }

  private func translated(_ address: VirtualAddress) throws(MemoryFault) -> PageTranslation {
    do throws(PageFault) {
      return try tables.translate(address, in: physical)
    } catch {
      throw MemoryFault(address: address, reason: error.reason)
    }
  }

  private func readPhysical(
    _ address: VirtualAddress, _ place: PageTranslation, count: UInt64
  ) throws(MemoryFault) -> ByteView {
    do throws(PhysicalFault) {
      return try physical.read(place.physical, count: count)
    } catch {
      let distance = error.address.offset(from: place.physical) ?? 0
      throw MemoryFault(address: address &+ distance, reason: error.reason)
    }
  }

  /// A part of a read whose physical bytes follow each other.
  private struct Extent {
    let address: VirtualAddress
    let place: PageTranslation
    var count: UInt64
  }

  private func readLong(
    _ address: VirtualAddress, count: UInt64
  ) throws(MemoryFault) -> ByteView {
    // Translate all of it first, so that a count that lies allocates nothing.
    var extents: [Extent] = []
    var have: UInt64 = 0
    while have < count {
      guard have < Self.readLimit, let next = address.advanced(by: have) else {
        throw MemoryFault(address: address &+ have, reason: .unmapped)
      }
      let place = try translated(next)
      let length = min(place.remaining, count - have)
      if let last = extents.last, last.place.physical &+ last.count == place.physical {
        extents[extents.count - 1].count += length
      } else {
        extents.append(Extent(address: next, place: place, count: length))
      }
      have += length
    }
    if extents.count == 1, let only = extents.first {
      return try readPhysical(address, only.place, count: count)
    }
    var views: [ByteView] = []
    for extent in extents {
      views.append(try readPhysical(extent.address, extent.place, count: extent.count))
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Int(count))
    for view in views { bytes.append(contentsOf: view.copy()) }
    return ByteView(copying: bytes)
  }
}
