/// Where the text of one record lies in the ring of texts.
///
/// A block is an id (8 bytes: its descriptor's) and the text, filled up to a multiple of 8. Logical
/// positions grow for ever; modulo the ring's size they are offsets. A block never goes round the
/// end: one that would is at offset 0 instead, and what is left at the end stays unused.
///
///     begin            next             in the same round: the block is at begin
///     ├─ id ─┬─ text ──┤
///
///          begin │ 0             next   in the next round: the block is at 0
///          ├─ ?? ┤├─ id ─┬─ text ─┤
///
/// `get_data()`, kernel/printk/printk_ringbuffer.c. From 6.18 on a block may end where the ring does.
enum PrintkBlock: Hashable {
  /// The offset of the text behind the id, and how many bytes there are for it.
  case text(offset: UInt64, room: UInt64)
  /// The record is an empty line (`EMPTY_LINE_LPOS`).
  case empty
  /// The ring had no room for the text (`FAILED_LPOS`).
  case none
  case impossible

  /// The size of the id.
  static let header: UInt64 = 8
  private static let emptyLine: UInt64 = 3

  init(begin: UInt64, next: UInt64, sizeBits: UInt64) {
    if begin & 1 == 1, next & 1 == 1 {
      self = begin == Self.emptyLine && next == Self.emptyLine ? .empty : .none
      return
    }
    let mask: UInt64 = 1 << sizeBits - 1
    func round(_ position: UInt64) -> UInt64 { position >> sizeBits }
    let last = next &- 1
    let offset: UInt64
    let size: UInt64
    if round(begin) == round(last) {
      (offset, size) = (begin & mask, next &- begin)
    } else if round(begin &+ mask &+ 1) == round(last) {
      (offset, size) = (0, (last & mask) + 1)
    } else {
      self = .impossible
      return
    }
    guard begin % Self.header == 0, size > Self.header, size <= mask + 1 - offset else {
      self = .impossible
      return
    }
    self = .text(offset: offset + Self.header, room: size - Self.header)
  }
}
