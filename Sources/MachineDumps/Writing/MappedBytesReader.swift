internal import Bytes
internal import HostSystem

/// Reads bytes of mapped files past their mapping, into a buffer that is used again and again.
///
/// For bytes that are copied once that is cheaper than to touch them where they are mapped: no page is
/// mapped and let go of again, and the buffer stays in the CPU's cache between being read and being
/// written. Not for several threads at once.
final class MappedBytesReader {
  private let readers: [(storage: ByteStorage, reader: PositionedReader)]

  /// - Parameters:
  ///   - files: the mapped files that may be read so.
  ///   - limit: the most bytes that are wanted at a time.
  init(_ files: [MappedFile], limit: UInt64) {
    readers = files.map {
      ($0.bytes.storage, PositionedReader($0.file, windowSize: Int(limit)))
    }
  }

  /// Shows the bytes of `view` to `body`. Gives false without calling it if they aren't a file's.
  func show(
    _ view: ByteView, _ body: (RawSpan) throws(HostError) -> Void
  ) throws(HostError) -> Bool {
    guard let found = readers.first(where: { $0.storage === view.storage }),
      view.count <= found.reader.windowSize
    else { return false }
    try found.reader.withWindow(
      at: UInt64(view.storageOffset), count: view.count
    ) { bytes throws(HostError) in
      guard bytes.byteCount == view.count else {
        throw .unexpectedEnd(
          path: found.reader.file.path, offset: UInt64(view.storageOffset + bytes.byteCount))
      }
      try body(bytes)
    }
    return true
  }
}
