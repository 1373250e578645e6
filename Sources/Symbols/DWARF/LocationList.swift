import Bytes
import CElfutils

/// Finds the expression for one address in a location list.
///
/// libdw does this, too, but gives up on lists whose expression has an operation that it doesn't
/// know; GCC's `DW_OP_GNU_uninit` is one. Those are read here.
struct LocationList {
  /// `.debug_loclists`, or `.debug_loc` before DWARF 5.
  let section: ByteView
  let version: UInt16
  /// What offsets count from until the list says otherwise: the unit's lowest address.
  let unitBase: UInt64
  let addressSize: UInt8 = 8

  /// The bytes of the expression that holds at `address`, from the list at `offset`. Nil if none
  /// does, or if that can't be known: an entry refers to the unit's table of addresses.
  func expression(at offset: UInt64, for address: UInt64) throws(ByteError) -> ByteView? {
    var cursor = ByteCursor(section, at: offset)
    return version >= 5 ? try find(address, &cursor) : try findOld(address, &cursor)
  }

  /// DW_LLE_… (DWARF 5, section 7.7.3): a kind byte, its operands and, for those that describe a
  /// location, the expression behind its length.
  private func find(_ address: UInt64, _ cursor: inout ByteCursor) throws(ByteError) -> ByteView? {
    var base = unitBase
    var fallback: ByteView?
    while true {
      let range: Range<UInt64>?
      switch Int(try cursor.read(UInt8.self)) {
      case DW_LLE_end_of_list: return fallback
      case DW_LLE_base_address:
        base = try cursor.read()
        continue
      case DW_LLE_GNU_view_pair:
        _ = (try cursor.readULEB128(), try cursor.readULEB128())
        continue
      case DW_LLE_offset_pair:
        let (start, end) = (try cursor.readULEB128(), try cursor.readULEB128())
        range = Self.range(base &+ start, base &+ end)
      case DW_LLE_start_end:
        range = Self.range(try cursor.read(), try cursor.read())
      case DW_LLE_start_length:
        let start = try cursor.read(UInt64.self)
        range = Self.range(start, start &+ (try cursor.readULEB128()))
      case DW_LLE_default_location:
        fallback = try cursor.readBytes(try cursor.readULEB128())
        continue
      default: return nil
      }
      let expression = try cursor.readBytes(try cursor.readULEB128())
      if range?.contains(address) == true { return expression }
    }
  }

  /// DWARF 2 to 4 (DWARF 4, section 2.6.2): two addresses, the expression behind its 16-bit length;
  /// two zeros end the list, and all ones begin a new base.
  private func findOld(
    _ address: UInt64, _ cursor: inout ByteCursor
  ) throws(ByteError) -> ByteView? {
    var base = unitBase
    while true {
      let (start, end) = (try cursor.read(UInt64.self), try cursor.read(UInt64.self))
      if start == 0, end == 0 { return nil }
      if start == .max {
        base = end
        continue
      }
      let expression = try cursor.readBytes(UInt64(try cursor.read(UInt16.self)))
      if Self.range(base &+ start, base &+ end)?.contains(address) == true { return expression }
    }
  }

  private static func range(_ start: UInt64, _ end: UInt64) -> Range<UInt64>? {
    start < end ? start..<end : nil
  }
}
