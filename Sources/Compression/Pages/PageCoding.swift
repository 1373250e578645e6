/// Packs pages, one after another, with the memory of one context.
protocol PageEncoder: AnyObject {
  /// How many bytes `pack` may write for a page of `count` bytes.
  func bound(_ count: Int) -> Int

  /// Packs `page` into `room`, which has `bound(page.count)` bytes at least. Gives the packed size;
  /// nil if it would be no smaller than the page.
  @unsafe
  func pack(
    _ page: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer
  ) throws(PageCompressionError) -> Int?
}

/// Unpacks pages, one after another, with the memory of one context.
protocol PageDecoder: AnyObject {
  /// Unpacks `packed` into `page`; gives how many bytes came out. More than the page holds is an
  /// error.
  @unsafe
  func unpack(
    _ packed: UnsafeRawBufferPointer, into page: UnsafeMutableRawBufferPointer
  ) throws(PageCompressionError) -> Int
}
