internal import Bytes
internal import Targets

/// Where a 64-bit x86 kernel's image lies, by what its VMCOREINFO says.
///
/// The image's addresses are at a fixed distance from physical ones: physical = virtual −
/// `__START_KERNEL_map` + `phys_base` (arch/x86/include/asm/page_64.h).
struct KernelImageMap {
  let info: VMCoreInfo
  /// `phys_base`: how far KASLR moved the image in physical memory; may be negative.
  let physicalBase: UInt64

  /// `__START_KERNEL_map`.
  static let start: UInt64 = 0xffff_ffff_8000_0000
  /// Where the text is linked to be: `__START_KERNEL_map` + `CONFIG_PHYSICAL_START`'s usual value.
  static let linkedText: UInt64 = 0xffff_ffff_8100_0000

  init?(_ info: VMCoreInfo) {
    guard let base = info.number("phys_base") else { return nil }
    self.info = info
    physicalBase = UInt64(bitPattern: base)
  }

  /// Where a byte of the image lies; nil for other addresses.
  func physical(_ address: VirtualAddress) -> PhysicalAddress? {
    guard address.rawValue >= Self.start else { return nil }
    return PhysicalAddress(address.rawValue - Self.start) &+ physicalBase
  }

  /// The bits of entries that mark encrypted memory: `sme_mask`.
  var encryptionMask: UInt64 {
    info.number("sme_mask").map { UInt64(bitPattern: $0) } ?? 0
  }

  /// The kernel's own page tables, as they lie at `swapper_pg_dir`.
  var pageTables: X86PageTables? {
    guard let root = info.symbol("swapper_pg_dir").flatMap(physical) else { return nil }
    let isFiveLevel = info.number("pgtable_l5_enabled") == 1
    return X86PageTables(
      root: root, mode: isFiveLevel ? .fiveLevel : .fourLevel, encryptionMask: encryptionMask)
  }
}
