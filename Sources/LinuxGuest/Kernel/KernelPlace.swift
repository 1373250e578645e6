public import Bytes
public import Targets

/// Where a kernel's image lies, and the page tables that map it.
public struct KernelPlace: Hashable, Sendable {
  /// How far KASLR moved the image from the addresses that it was linked for, in bytes.
  public let kernelOffset: UInt64
  /// `phys_base`: physical = virtual − `__START_KERNEL_map` + this; may be negative.
  public let physicalBase: Int64
  /// From `_text` to `_end`.
  public let image: Range<VirtualAddress>
  /// The kernel's own page tables (`swapper_pg_dir`), which map all of the kernel and nothing of a
  /// process.
  public let pageTables: X86PageTables

  public init(
    kernelOffset: UInt64, physicalBase: Int64, image: Range<VirtualAddress>,
    pageTables: X86PageTables
  ) {
    self.kernelOffset = kernelOffset
    self.physicalBase = physicalBase
    self.image = image
    self.pageTables = pageTables
  }
}
