internal import CCompression

/// Whether this build of the library agrees with its headers; to be asked before anything else.
private let isLZOUsable = varve_lzo_init() == LZO_E_OK

/// LZO1X-1 with working memory of its own.
@safe
final class LZOPageEncoder: PageEncoder {
  // Owned by this object alone.
  private let workspace: UnsafeMutableRawPointer

  init() throws(PageCompressionError) {
    guard isLZOUsable else { throw .library(.lzo, detail: "lzo_init fails") }
    unsafe workspace = .allocate(byteCount: Int(varve_lzo1x_1_memory()), alignment: 16)
  }

  deinit {
    unsafe workspace.deallocate()
  }

  /// What the library's FAQ gives as the most that LZO1X can make of `count` bytes.
  func bound(_ count: Int) -> Int { count + count / 16 + 64 + 3 }

  @unsafe
  func pack(
    _ page: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer
  ) throws(PageCompressionError) -> Int? {
    var size = lzo_uint(room.count)
    // Safe: the library writes no more than the bound, and keeps no pointer.
    let code = unsafe lzo1x_1_compress(
      page.bindMemory(to: UInt8.self).baseAddress, lzo_uint(page.count),
      room.bindMemory(to: UInt8.self).baseAddress, &size, workspace)
    guard code == LZO_E_OK else { throw .library(.lzo, detail: "lzo1x_1_compress gives \(code)") }
    return size < lzo_uint(page.count) ? Int(size) : nil
  }
}

/// LZO1X's unpacking, which needs no memory.
@safe
final class LZOPageDecoder: PageDecoder {
  init() throws(PageCompressionError) {
    guard isLZOUsable else { throw .library(.lzo, detail: "lzo_init fails") }
  }

  @unsafe
  func unpack(
    _ packed: UnsafeRawBufferPointer, into page: UnsafeMutableRawBufferPointer
  ) throws(PageCompressionError) -> Int {
    var size = lzo_uint(page.count)
    // Safe: this variant checks the bounds of both buffers.
    let code = unsafe lzo1x_decompress_safe(
      packed.bindMemory(to: UInt8.self).baseAddress, lzo_uint(packed.count),
      page.bindMemory(to: UInt8.self).baseAddress, &size, nil)
    guard code == LZO_E_OK else {
      throw .corrupt(.lzo, detail: "lzo1x_decompress_safe gives \(code)")
    }
    return Int(size)
  }
}
