internal import Bytes
internal import Targets

extension ModuleReader {
  /// More memory no module has: the space for all of them is 1.5 GiB (`MODULES_LEN`).
  private static let sizeLimit: UInt64 = 2 << 30

  /// A module's memory: seven parts with memory of their own since 6.4, two layouts of parts that
  /// follow each other before.
  func regions(
    _ image: StructureImage<ModuleMember>
  ) throws(StructureError) -> [KernelModule.Region] {
    let regions = layout[.memory] == nil ? try layouts(image) : try memories(image)
    return regions.sorted { $0.range.lowerBound < $1.range.lowerBound }
  }

  private func memories(
    _ image: StructureImage<ModuleMember>
  ) throws(StructureError) -> [KernelModule.Region] {
    guard let regionLayout else { return [] }
    let start = try image.address(of: .memory)
    var regions: [KernelModule.Region] = []
    for part in KernelModule.Part.allCases {
      let element = StructureImage(
        regionLayout, at: start &+ UInt64(part.rawValue) &* regionLayout.byteCount,
        in: kernel.memory)
      guard let base = try element.pointer(.base) else { continue }
      Self.add(part, base, 0..<(try element.unsigned(.size)), to: &regions)
    }
    return regions
  }

  /// A layout, with the sizes that its parts end at:
  ///
  ///     base  text_size  ro_size  ro_after_init_size  size
  ///       text      rodata    ro_after_init       data
  private func layouts(
    _ image: StructureImage<ModuleMember>
  ) throws(StructureError) -> [KernelModule.Region] {
    var regions: [KernelModule.Region] = []
    if let base = try image.pointer(.coreBase) {
      let text = try image.unsigned(.coreText)
      let readOnly = max(text, try image.unsigned(.coreReadOnly))
      let after = max(readOnly, try image.unsigned(.coreReadOnlyAfterInit))
      let end = max(after, try image.unsigned(.coreSize))
      Self.add(.text, base, 0..<text, to: &regions)
      Self.add(.readOnly, base, text..<readOnly, to: &regions)
      Self.add(.readOnlyAfterInit, base, readOnly..<after, to: &regions)
      Self.add(.data, base, after..<end, to: &regions)
    }
    // Freed once the module is loaded.
    if let base = try image.pointer(.initialBase) {
      let text = try image.unsigned(.initialText)
      let readOnly = max(text, try image.unsigned(.initialReadOnly))
      let end = max(readOnly, try image.unsigned(.initialSize))
      Self.add(.initialText, base, 0..<text, to: &regions)
      Self.add(.initialReadOnly, base, text..<readOnly, to: &regions)
      Self.add(.initialData, base, readOnly..<end, to: &regions)
    }
    return regions
  }

  private static func add(
    _ part: KernelModule.Part, _ base: VirtualAddress, _ range: Range<UInt64>,
    to regions: inout [KernelModule.Region]
  ) {
    guard !range.isEmpty, range.upperBound <= sizeLimit,
      let start = base.advanced(by: range.lowerBound), let end = base.advanced(by: range.upperBound)
    else { return }
    regions.append(KernelModule.Region(part: part, range: start..<end))
  }
}
