public import Bytes
public import HostSystem
public import QEMUProcess
public import Targets

/// Shows memory that is mapped from a dump's file piece by piece, and lets go of each piece
/// afterwards: a search through gigabytes keeps no more than a few megabytes resident.
public struct ReleasingWindows: MemoryWindows {
  /// The dump's file.
  public let file: MappedFile

  public init(file: MappedFile) { self.file = file }

  /// In bytes. Small enough to stay in a CPU's second cache between being mapped and being read.
  private static let windowSize: UInt64 = 1 << 20

  public func forEachWindow(
    in region: MemoryRegion, _ body: (VirtualAddress, ByteView) -> Void
  ) {
    guard let bytes = region.bytes else {
      // What has to be fetched is freed by itself; what is absent has no windows.
      return region.forEachWindow(of: Self.windowSize) { address, window in
        body(address, window)
        return true
      }
    }
    var offset: UInt64 = 0
    while offset < UInt64(bytes.count) {
      let window = bytes.clampedSubview(at: offset, count: Self.windowSize)
      body(region.start &+ offset, window)
      release(window)
      offset += Self.windowSize
    }
  }

  /// A page that is touched brings its neighbours with it, up to this many bytes before or after
  /// (`fault_around_bytes` in the kernel's mm/memory.c).
  private static let mappedAround: UInt64 = 64 << 10

  /// Lets go of the pages around `window`.
  func release(_ window: ByteView) {
    // Memory of another file, or unpacked into memory, isn't a mapping of this one.
    guard window.storage === file.bytes.storage else { return }
    let start = UInt64(window.storageOffset)
    let end = start + UInt64(window.count)
    do throws(HostError) {
      try file.advise(start - min(start, Self.mappedAround)..<end + Self.mappedAround, .dontNeed)
    } catch {
      // It is advice: without it the search needs more memory and finds the same.
    }
  }
}
