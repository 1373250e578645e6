internal import CCompression

/// A context of zstd's.
@safe
final class ZstdPageEncoder: PageEncoder {
  // Owned by this object alone.
  private let context: OpaquePointer

  init() throws(PageCompressionError) {
    guard let context = unsafe ZSTD_createCCtx() else {
      throw .library(.zstd, detail: "no memory for a context")
    }
    unsafe self.context = context
    unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 1)
  }

  deinit {
    unsafe ZSTD_freeCCtx(context)
  }

  func bound(_ count: Int) -> Int { ZSTD_compressBound(count) }

  @unsafe
  func pack(
    _ page: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer
  ) throws(PageCompressionError) -> Int? {
    // Safe: the library reads and writes within the sizes given.
    let size = unsafe ZSTD_compress2(
      context, room.baseAddress, room.count, page.baseAddress, page.count)
    guard ZSTD_isError(size) == 0 else {
      throw .library(.zstd, detail: unsafe String(cString: ZSTD_getErrorName(size)))
    }
    return size < page.count ? size : nil
  }
}

/// A context of zstd's for unpacking.
@safe
final class ZstdPageDecoder: PageDecoder {
  // Owned by this object alone.
  private let context: OpaquePointer

  init() throws(PageCompressionError) {
    guard let context = unsafe ZSTD_createDCtx() else {
      throw .library(.zstd, detail: "no memory for a context")
    }
    unsafe self.context = context
  }

  deinit {
    unsafe ZSTD_freeDCtx(context)
  }

  @unsafe
  func unpack(
    _ packed: UnsafeRawBufferPointer, into page: UnsafeMutableRawBufferPointer
  ) throws(PageCompressionError) -> Int {
    // Safe: the library reads and writes within the sizes given.
    let size = unsafe ZSTD_decompressDCtx(
      context, page.baseAddress, page.count, packed.baseAddress, packed.count)
    guard ZSTD_isError(size) == 0 else {
      throw .corrupt(.zstd, detail: unsafe String(cString: ZSTD_getErrorName(size)))
    }
    return size
  }
}
