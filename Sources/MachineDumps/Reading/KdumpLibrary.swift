import Bytes
import CKdumpfile
import Glibc
import HostSystem

/// What libkdumpfile says of a call that failed.
struct KdumpFailure: Error {
  /// What it found wrong.
  enum Kind {
    /// The page isn't in the dump.
    case absent
    /// The file ends before what should be there.
    case ended
    /// The container isn't one that the library knows.
    case unknownFormat
    case other
  }

  let kind: Kind
  let message: String
}

/// One of libkdumpfile's dump objects. It isn't for several threads at a time: `clone` makes one for
/// another thread, which shares the file and the cache of pages.
///
/// This file and `KdumpBitmap` are the only ones that call the library.
@safe
struct KdumpContext: ~Copyable, Sendable {
  // Any thread may use the object; that only one does at a time is seen to by its one owner, a
  // `Mutex`.
  private nonisolated(unsafe) let context: OpaquePointer

  /// Opens `file`, which must stay open for as long as this object or a clone lives.
  static func open(_ file: OpenFile) throws(KdumpFailure) -> KdumpContext {
    // Safe: the library makes an object of its own, which nobody else knows, or nil if there is no
    // memory.
    guard let new = unsafe kdump_new() else {
      throw KdumpFailure(kind: .other, message: "libkdumpfile: out of memory")
    }
    let context = unsafe KdumpContext(adopting: new)
    // Reading beyond the end of a mapped file that is cut meanwhile would end this process.
    // Safe, as all calls below: the pointer is the library's for as long as this object lives.
    _ = unsafe kdump_set_number_attr(
      context.context, KDUMP_ATTR_FILE_MMAP_POLICY, UInt(KDUMP_MMAP_NEVER.rawValue))
    let status = unsafe kdump_open_fd(context.context, file.libraryDescriptor)
    guard status == KDUMP_OK else { throw context.failure(status) }
    return context
  }

  private init(adopting context: OpaquePointer) { unsafe self.context = context }

  deinit { unsafe kdump_free(context) }

  /// One for another thread; nil if there is no memory for it.
  func clone() -> KdumpContext? {
    // Safe: what clones share, the library guards itself.
    guard let copy = unsafe kdump_clone(context, 0) else { return nil }
    return unsafe KdumpContext(adopting: copy)
  }

  private func failure(_ status: kdump_status) -> KdumpFailure {
    // Safe: the text is the context's own until its next call, and copied at once.
    let detail = unsafe kdump_get_err(context).map { unsafe String(cString: $0) }
    let kind: KdumpFailure.Kind =
      switch status {
      case KDUMP_ERR_NODATA: .absent
      case KDUMP_ERR_EOF: .ended
      case KDUMP_ERR_NOTIMPL: .unknownFormat
      default: .other
      }
    return KdumpFailure(kind: kind, message: detail ?? "libkdumpfile: error \(status.rawValue)")
  }

  /// The text of the attribute `key`; nil if it isn't set.
  func text(_ key: String) -> String? {
    var text: UnsafePointer<CChar>?
    // Safe: the text is the context's own, and copied before any other call.
    guard unsafe kdump_get_string_attr(context, key, &text) == KDUMP_OK else { return nil }
    return unsafe text.map { unsafe String(cString: $0) }
  }

  /// The number that the attribute `key` is; nil if it isn't set.
  func number(_ key: String) -> UInt64? {
    var number = kdump_num_t()
    // Safe: `number` outlives the call.
    guard unsafe kdump_get_number_attr(context, key, &number) == KDUMP_OK else { return nil }
    return UInt64(number)
  }

  /// The bitmap of pages that the attribute `key` is; nil if it isn't set.
  func bitmap(_ key: String) -> KdumpBitmap? {
    var attribute = unsafe kdump_attr_t()
    // Safe: `attribute` outlives the call, and its type is checked.
    guard unsafe kdump_get_attr(context, key, &attribute) == KDUMP_OK,
      unsafe attribute.type == KDUMP_BITMAP, let found = unsafe attribute.val.bitmap
    else { return nil }
    return unsafe KdumpBitmap(retaining: found)
  }

  /// The VMCOREINFO text; nil if there is none.
  func vmcoreInfo() -> ByteView? {
    var text: UnsafeMutablePointer<CChar>?
    // Safe: the library allocates the text, which is copied and then freed as it asks.
    guard unsafe kdump_vmcoreinfo_raw(context, &text) == KDUMP_OK, let text = unsafe text else {
      return nil
    }
    defer { unsafe free(text) }
    return ByteView(copying: unsafe String(cString: text).utf8)
  }

  /// Reads `count` bytes at the physical `address`, or as many as come before a page that can't be
  /// read; throws if that is the first.
  func read(_ address: UInt64, count: Int) throws(KdumpFailure) -> ByteView {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 1), alignment: 16)
    var length = count
    // Safe: the library writes at most `length` bytes, and sets it to how many it wrote.
    let status = unsafe kdump_read(
      context, KDUMP_MACHPHYSADDR, kdump_addr_t(address), buffer.baseAddress, &length)
    guard status == KDUMP_OK || length > 0 else {
      unsafe buffer.deallocate()
      throw failure(status)
    }
    // Safe: nobody else knows the buffer, and the storage frees it.
    let storage = unsafe ByteStorage(adopting: UnsafeRawBufferPointer(buffer)) {
      unsafe $0.deallocate()
    }
    return ByteView(storage).clampedSubview(at: 0, count: UInt64(min(length, count)))
  }
}

/// One of libkdumpfile's bitmaps of pages. It isn't for several threads at a time.
@safe
struct KdumpBitmap: ~Copyable, Sendable {
  // As in `KdumpContext`.
  private nonisolated(unsafe) let bitmap: OpaquePointer

  fileprivate init(retaining bitmap: OpaquePointer) {
    // Safe: the caller's context owns a reference while this one is taken.
    _ = unsafe kdump_bmp_incref(bitmap)
    unsafe self.bitmap = bitmap
  }

  deinit { _ = unsafe kdump_bmp_decref(bitmap) }

  /// The first set bit from `index` on; nil if there is none.
  func firstSet(from index: UInt64) -> UInt64? {
    var found = kdump_addr_t(index)
    // Safe: `found` outlives the call, and `bitmap` lives as long as this object.
    return unsafe kdump_bmp_find_set(bitmap, &found) == KDUMP_OK ? UInt64(found) : nil
  }

  /// The first clear bit from `index` on; nil if there is none.
  func firstClear(from index: UInt64) -> UInt64? {
    var found = kdump_addr_t(index)
    return unsafe kdump_bmp_find_clear(bitmap, &found) == KDUMP_OK ? UInt64(found) : nil
  }
}
