internal import Bytes

/// Tells whoever mapped memory which bytes won't be read again: rarely and of many at once, for
/// letting pages go costs as much as copying them if it is done in small steps.
struct ViewReleaser {
  private let release: @Sendable (ByteView) -> Void
  /// What has been added and not yet told: `range` of `storage`.
  private var storage: ByteStorage?
  private var range: Range<Int> = 0..<0

  private static let step = 32 << 20

  init(_ release: @escaping @Sendable (ByteView) -> Void) { self.release = release }

  mutating func add(_ view: ByteView) {
    let start = view.storageOffset
    if let storage, storage === view.storage, range.upperBound == start, range.count < Self.step {
      range = range.lowerBound..<start + view.count
      return
    }
    flush()
    storage = view.storage
    range = start..<start + view.count
  }

  mutating func flush() {
    guard let storage else { return }
    release(
      ByteView(storage).clampedSubview(at: UInt64(range.lowerBound), count: UInt64(range.count)))
    self.storage = nil
  }
}
