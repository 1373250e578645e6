/// A bounds-checked window on stored bytes. Copying a view copies no bytes; it keeps their owner
/// alive.
public struct ByteView: Sendable {
  /// Whose bytes these are.
  public let storage: ByteStorage
  /// Where the window lies in `storage`. Invariant: within `0..<storage.count`.
  @usableFromInline
  let range: Range<Int>

  /// All bytes of `storage`.
  @inlinable
  public init(_ storage: ByteStorage) {
    self.storage = storage
    range = 0..<storage.count
  }

  /// A copy of `bytes`.
  public init(copying bytes: some Sequence<UInt8>) {
    self.init(ByteStorage(copying: bytes))
  }

  @usableFromInline
  init(storage: ByteStorage, range: Range<Int>) {
    self.storage = storage
    self.range = range
  }

  /// No bytes.
  public static let empty = ByteView(copying: EmptyCollection<UInt8>())

  /// How many bytes the window shows.
  @inlinable
  public var count: Int { range.count }

  @inlinable
  public var isEmpty: Bool { range.isEmpty }

  /// Where this view begins within its storage, in bytes: for a view of a mapped file, its file
  /// offset.
  @inlinable
  public var storageOffset: Int { range.lowerBound }

  /// The bytes themselves, for as long as the view lives.
  @inlinable
  public var bytes: RawSpan {
    @_lifetime(borrow self)
    get {
      // Safe: the pointer and the range's bounds hold for the storage's lifetime, which `self`
      // extends.
      let buffer = unsafe UnsafeRawBufferPointer(
        start: storage.base + range.lowerBound, count: range.count)
      return unsafe _overrideLifetime(RawSpan(_unsafeBytes: buffer), borrowing: self)
    }
  }

  /// Calls `body` with the bytes' address, for C libraries that want one. It mustn't be kept after
  /// `body` returns unless the caller also keeps the view's `storage` alive.
  @unsafe
  @inlinable
  public func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try unsafe body(
      UnsafeRawBufferPointer(start: storage.base + range.lowerBound, count: range.count))
  }

  /// Throws unless `count` bytes at `offset` lie in the window; gives their start as an index.
  @inlinable
  func check(_ offset: UInt64, _ count: UInt64) throws(ByteError) -> Int {
    let available = UInt64(range.count)
    guard offset <= available, count <= available - offset else {
      throw .outOfBounds(offset: offset, count: count, available: available)
    }
    return Int(offset)
  }

  /// The `count` bytes at `offset`. Throws `.outOfBounds` if the view doesn't hold them all.
  @inlinable
  public func subview(at offset: UInt64, count: UInt64) throws(ByteError) -> ByteView {
    let start = range.lowerBound + (try check(offset, count))
    return ByteView(storage: storage, range: start..<start + Int(count))
  }

  /// What there is of the `count` bytes at `offset`: shorter or empty where the view ends.
  @inlinable
  public func clampedSubview(at offset: UInt64, count: UInt64) -> ByteView {
    let available = UInt64(range.count)
    let first = min(offset, available)
    let start = range.lowerBound + Int(first)
    return ByteView(storage: storage, range: start..<start + Int(min(count, available - first)))
  }

  /// The integer stored at `offset`, which needn't be aligned. Throws `.outOfBounds`.
  @inlinable
  public func load<Number: FixedWidthInteger & BitwiseCopyable>(
    _ type: Number.Type = Number.self, at offset: UInt64, _ order: ByteOrder = .littleEndian
  ) throws(ByteError) -> Number {
    let start = range.lowerBound + (try check(offset, UInt64(MemoryLayout<Number>.size)))
    // Safe: `check` proved that the whole number lies inside the window.
    return order.decode(unsafe storage.base.loadUnaligned(fromByteOffset: start, as: Number.self))
  }

  /// The NUL-terminated string at `offset` without its NUL; bytes that are no UTF-8 become U+FFFD.
  /// Throws `.unterminatedString` if no NUL comes within `limit` bytes or before the view ends.
  public func cString(at offset: UInt64, limit: UInt64 = .max) throws(ByteError) -> String {
    let start = try check(offset, 0)
    let rest = clampedSubview(at: UInt64(start), count: limit)
    let span = rest.bytes
    for index in span.byteOffsets where span[index] == 0 {
      return String(
        decoding: ByteView(
          storage: storage, range: rest.range.lowerBound..<rest.range.lowerBound + index))
    }
    throw .unterminatedString(offset: offset, limit: UInt64(rest.count))
  }

  /// The bytes as an array of their own.
  public func copy() -> [UInt8] {
    // Safe: the buffer is copied before the call returns.
    unsafe withUnsafeBytes { unsafe Array($0) }
  }
}

extension RawSpan {
  /// The byte at `index`; traps outside the span, as `Array` does.
  @inlinable
  public subscript(index: Int) -> UInt8 {
    precondition(index >= 0 && index < byteCount)
    return unsafe unsafeLoad(fromUncheckedByteOffset: index, as: UInt8.self)
  }
}

extension String {
  /// The text in `view`; bytes that are no UTF-8 become U+FFFD.
  public init(decoding view: ByteView) {
    // Safe: the buffer is copied before the call returns.
    self = unsafe view.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
  }
}
