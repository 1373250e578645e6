import Bytes
import ObjectFiles

/// Finds out, from a core alone, what memory the process had and which objects were loaded in it.
struct ProcessLayout {
  /// What the core holds of the memory, and what it says it leaves out.
  let dumped: [MemoryRegion]
  let absent: [MemoryRegion]
  let mappings: [Mapping]

  init(_ core: CoreFile) {
    var dumped: [MemoryRegion] = []
    var absent: [MemoryRegion] = []
    for segment in core.segments where segment.memorySize > 0 {
      let contents = core.image.bytes.clampedSubview(
        at: segment.fileOffset.rawValue, count: segment.availableSize)
      if !contents.isEmpty {
        dumped.append(
          MemoryRegion(
            start: segment.address, count: UInt64(contents.count), contents: .dumped(contents)))
      }
      if segment.isTruncated {
        absent.append(
          MemoryRegion(
            start: segment.address &+ segment.availableSize,
            count: segment.fileSize - segment.availableSize, contents: .absent(.truncated)))
      }
      if segment.memorySize > segment.fileSize {
        absent.append(
          MemoryRegion(
            start: segment.address &+ segment.fileSize,
            count: segment.memorySize - segment.fileSize, contents: .absent(.excluded)))
      }
    }
    self.dumped = dumped
    self.absent = absent
    mappings = Self.mappings(of: core)
  }

  /// The segments as mappings, each with the file that NT_FILE says was mapped there.
  private static func mappings(of core: CoreFile) -> [Mapping] {
    let files = core.mappedFiles.sorted { $0.start < $1.start }
    var mappings: [Mapping] = []
    for segment in core.segments where segment.memorySize > 0 {
      let file = file(at: segment.address, in: files)
      mappings.append(
        Mapping(
          start: segment.address, count: segment.memorySize,
          protection: Mapping.Protection(rawValue: segment.permissions.rawValue & 7),
          path: file?.path,
          fileOffset: file.flatMap { file in
            segment.address.offset(from: file.start).flatMap { file.fileOffset.advanced(by: $0) }
          }))
    }
    // gdb leaves out of its cores what the kernel's filter leaves out of dumps, segment and all;
    // NT_FILE still tells that it was there.
    let covered = mappings.sorted { $0.start < $1.start }
    for file in files where file.end > file.start {
      if overlaps(file.start..<file.end, in: covered) { continue }
      mappings.append(
        Mapping(
          start: file.start, count: file.end.rawValue - file.start.rawValue, protection: nil,
          path: file.path, fileOffset: file.fileOffset))
    }
    return mappings.sorted { $0.start < $1.start }
  }

  private static func file(
    at address: VirtualAddress, in files: [CoreMappedFile]
  ) -> CoreMappedFile? {
    let index = partition(files.count) { files[$0].start <= address }
    guard index > 0, address < files[index - 1].end else { return nil }
    return files[index - 1]
  }

  private static func overlaps(_ range: Range<VirtualAddress>, in mappings: [Mapping]) -> Bool {
    let index = partition(mappings.count) { mappings[$0].start < range.upperBound }
    return index > 0
      && mappings[index - 1].start &+ (mappings[index - 1].count - 1) >= range.lowerBound
  }
}
