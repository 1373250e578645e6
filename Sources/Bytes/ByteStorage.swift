/// Immutable bytes together with whatever keeps them alive: a mapped file, an allocation.
///
/// This class and `ByteView` are the only places where the project reads through a raw pointer.
/// Both check bounds before each access.
@safe
public final class ByteStorage: Sendable {
  // The memory is never written after `init` and lives until `release` runs in `deinit`.
  @usableFromInline
  nonisolated(unsafe) let base: UnsafeRawPointer
  /// How many bytes there are.
  public let count: Int
  private let release: @Sendable () -> Void

  /// Takes over `buffer`, which must stay unchanged until `release` is called with it.
  @unsafe
  public init(
    adopting buffer: UnsafeRawBufferPointer,
    release: @escaping @Sendable (UnsafeRawBufferPointer) -> Void
  ) {
    // An empty buffer may have no address; any non-null one will do, as no byte of it can be read.
    unsafe base = buffer.baseAddress ?? UnsafeRawPointer(bitPattern: 8)!
    count = buffer.count
    // Safe to share: nobody touches the buffer but this object, and `release` runs once.
    nonisolated(unsafe) let adopted = unsafe buffer
    self.release = { unsafe release(adopted) }
  }

  /// A copy of `bytes`.
  public convenience init(copying bytes: some Sequence<UInt8>) {
    let array = ContiguousArray(bytes)
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: array.count, alignment: 16)
    unsafe copy.copyBytes(from: array)
    unsafe self.init(adopting: UnsafeRawBufferPointer(copy)) { unsafe $0.deallocate() }
  }

  deinit {
    release()
  }
}
