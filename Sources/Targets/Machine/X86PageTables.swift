public import Bytes

/// The page tables of an x86 CPU.
public struct X86PageTables: PageTables, Hashable {
  /// The first table.
  public let root: PhysicalAddress
  public let mode: X86PagingMode
  /// Bits of entries and of CR3 that mark memory as encrypted (AMD's C-bit, APM volume 2, section
  /// 7.10) or shared, and are no part of the address.
  public let encryptionMask: UInt64
  /// How many bits a physical address has (MAXPHYADDR). Entries with higher ones fault.
  public let physicalBits: UInt64
  let format: X86PagingFormat

  /// `root` as CR3 has it: bits that aren't part of the address are ignored.
  public init(
    root: PhysicalAddress, mode: X86PagingMode, encryptionMask: UInt64 = 0,
    physicalBits: UInt64 = 52
  ) {
    format = X86PagingFormat.format(for: mode)
    self.root = PhysicalAddress(root.rawValue & format.rootMask & ~encryptionMask)
    self.mode = mode
    self.encryptionMask = encryptionMask
    self.physicalBits = min(max(physicalBits, 32), 52)
  }

  /// The tables that a CPU uses; nil if its registers don't tell. Without paging every address below
  /// 4 GiB is its own translation; what segments add is the caller's to add.
  public init?(cpu: X86CPUState, encryptionMask: UInt64 = 0, physicalBits: UInt64 = 52) {
    guard let mode = X86PagingMode(cpu: cpu) else { return nil }
    guard mode != .none else {
      self.init(root: PhysicalAddress(0), mode: mode)
      return
    }
    guard let cr3 = cpu.cr3 else { return nil }
    self.init(
      root: PhysicalAddress(cr3), mode: mode, encryptionMask: encryptionMask,
      physicalBits: physicalBits)
  }

  /// Bits of an entry's address that no physical address has.
  var addressReserved: UInt64 {
    guard format.entrySize == 8 else { return 0 }
    return X86PagingFormat.wideAddress & ~(1 << physicalBits - 1) & ~encryptionMask
  }

  public func translate(
    _ address: VirtualAddress, in memory: PhysicalMemory
  ) throws(PageFault) -> PageTranslation {
    guard isCanonical(address) else { throw .nonCanonical(address) }
    var table = root.rawValue
    var permissions: PagePermissions = [.write, .user, .execute]
    for level in format.levels {
      let index = address.rawValue >> level.shift & (level.entryCount - 1)
      let location = PhysicalAddress(table &+ index &* format.entrySize)
      let value: UInt64
      do throws(PhysicalFault) {
        value = try memory.pageTableEntry(at: location, size: format.entrySize)
      } catch {
        throw .unreadable(address, level: level.name, error)
      }
      switch decode(value, at: level) {
      case .absent:
        throw .notPresent(address, entry(level, location, value))
      case .reserved(let bits):
        throw .reservedBits(address, entry(level, location, value), bits: bits)
      case .table(let next, let allowed):
        table = next
        permissions.formIntersection(allowed)
      case .page(let start, let allowed):
        return PageTranslation(
          physical: PhysicalAddress(start | address.rawValue & (level.pageSize - 1)),
          pageSize: level.pageSize, permissions: permissions.intersection(allowed))
      }
    }
    // No levels: no paging.
    return PageTranslation(
      physical: PhysicalAddress(address.rawValue), pageSize: 4096, permissions: permissions)
  }

  private func entry(
    _ level: X86PagingLevel, _ location: PhysicalAddress, _ value: UInt64
  ) -> PageTableEntry {
    PageTableEntry(level: level.name, location: location, value: value)
  }

  /// Whether this mode has such an address.
  public func isCanonical(_ address: VirtualAddress) -> Bool {
    canonical(address.rawValue) == address.rawValue
  }

  /// The address that `bits` are the translated bits of.
  func canonical(_ bits: UInt64) -> UInt64 {
    let unused = 64 - format.addressBits
    let shifted = bits << unused
    return format.isSignExtended
      ? UInt64(bitPattern: Int64(bitPattern: shifted) >> Int64(unused)) : shifted >> unused
  }

  /// What an entry says.
  enum Decoded {
    case absent
    case reserved(UInt64)
    case table(UInt64, PagePermissions)
    case page(UInt64, PagePermissions)
  }

  func decode(_ value: UInt64, at level: X86PagingLevel) -> Decoded {
    guard value & 1 != 0 else { return .absent }
    let isPage: Bool =
      switch level.page {
      case .always: true
      case .never: false
      case .ifLarge: value & 1 << 7 != 0
      }
    // An encryption bit may lie among the bits that are reserved otherwise.
    let clear = value & ~encryptionMask
    let reserved =
      clear & ((isPage ? level.pageReserved : level.tableReserved) | addressReserved)
    guard reserved == 0 else { return .reserved(reserved) }
    let allowed = level.hasPermissions ? permissions(of: value) : [.write, .user, .execute]
    guard isPage else { return .table(tableAddress(clear), allowed) }
    return .page(pageAddress(clear, level), allowed)
  }

  private func permissions(of value: UInt64) -> PagePermissions {
    var allowed: PagePermissions = []
    if value & 2 != 0 { allowed.insert(.write) }
    if value & 4 != 0 { allowed.insert(.user) }
    if value & X86PagingFormat.noExecute == 0 { allowed.insert(.execute) }
    return allowed
  }

  private func tableAddress(_ value: UInt64) -> UInt64 {
    value & (format.entrySize == 8 ? X86PagingFormat.wideAddress : 0xffff_f000)
  }

  private func pageAddress(_ value: UInt64, _ level: X86PagingLevel) -> UInt64 {
    let start = tableAddress(value) & ~(level.pageSize - 1)
    guard format.entrySize == 4, level.page == .ifLarge else { return start }
    // PSE-36.
    return start | (value >> 13 & 0xff) << 32
  }
}

extension PhysicalMemory {
  /// The little-endian entry of 4 or 8 bytes at `address`.
  func pageTableEntry(at address: PhysicalAddress, size: UInt64) throws(PhysicalFault) -> UInt64 {
    let first = run(at: address, limit: size)
    let bytes: ByteView
    if case .bytes(let view) = first, UInt64(view.count) == size {
      bytes = view
    } else {
      // Zeros, or an entry that two segments share.
      bytes = try read(address, count: size)
    }
    do throws(ByteError) {
      return size == 8
        ? try bytes.load(UInt64.self, at: 0) : UInt64(try bytes.load(UInt32.self, at: 0))
    } catch {
      throw PhysicalFault(address: address, reason: .truncated)
    }
  }
}
