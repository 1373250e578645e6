public import Bytes

/// `.eh_frame_hdr`: a sorted table of the FDEs, made by the linker (LSB 5, Core, section 10.6.2).
///
///     0  version, 1
///     1  encoding of the pointer to .eh_frame
///     2  encoding of the count
///     3  encoding of the table
///     4  pointer to .eh_frame
///        count
///        table: { first address, address of the FDE } …, sorted by the first
public struct EHFrameHeader: Sendable {
  /// Where the header is linked to be.
  public let address: VirtualAddress
  /// Where it says that `.eh_frame` is; nil if it doesn't.
  public let ehFrameAddress: VirtualAddress?
  /// How many entries the table has; 0 if there is none that can be searched.
  public let count: UInt64

  private let bytes: ByteView
  private let order: ByteOrder
  private let space: PointerSpace
  private let encoding: PointerEncoding
  private let tableOffset: UInt64
  private let fieldSize: UInt64

  /// `bytes` may be longer than the header, as it is when only a program header gave its place.
  /// `DW_EH_PE_datarel` counts from the header here. Throws if the fixed part is damaged.
  public init(
    _ bytes: ByteView, address: VirtualAddress, bases: PointerBases = PointerBases(),
    addressSize: UInt8 = 8, order: ByteOrder = .littleEndian
  ) throws(UnwindError) {
    self.address = address
    self.bytes = bytes
    self.order = order
    var bases = bases
    bases.data = address
    space = PointerSpace(address: address, bases: bases, addressSize: addressSize)
    var cursor = EntryCursor(bytes, 0..<UInt64(bytes.count), order: order, entry: 0)
    let version = try cursor.read(UInt8.self)
    guard version == 1 else { throw .unsupportedVersion(version, entry: 0) }
    let pointerEncoding = PointerEncoding(rawValue: try cursor.read())
    let countEncoding = PointerEncoding(rawValue: try cursor.read())
    encoding = PointerEncoding(rawValue: try cursor.read())
    ehFrameAddress = try cursor.readPointer(pointerEncoding, in: space).map(VirtualAddress.init)
    let stated = try cursor.readPointer(countEncoding, in: space) ?? 0
    tableOffset = cursor.offset
    // Only entries of a fixed size can be searched, and only what is stored can be counted.
    let size = encoding == .omitted ? nil : encoding.size(addressSize: addressSize)
    let isSearchable = encoding.base.map { $0 != .aligned } ?? false
    if let size, isSearchable, !encoding.isIndirect {
      fieldSize = UInt64(size)
      count = min(stated, cursor.remaining / (2 * fieldSize))
    } else {
      fieldSize = 0
      count = 0
    }
  }

  /// Where, by this table, the FDE is that might describe `target`: the one that starts last at or
  /// before it. The table may lie, so the FDE itself must be asked.
  func fdeAddress(for target: VirtualAddress) -> UInt64? {
    var low: UInt64 = 0
    var high = count
    while low < high {
      let middle = low + (high - low) / 2
      guard let start = field(2 * middle) else { return nil }
      if start <= target.rawValue { low = middle + 1 } else { high = middle }
    }
    return low == 0 ? nil : field(2 * low - 1)
  }

  /// The table's field of that number, two to an entry.
  private func field(_ index: UInt64) -> UInt64? {
    let offset = tableOffset + index * fieldSize
    var cursor = ByteCursor(bytes, at: offset, order: order)
    guard let base = encoding.base,
      let origin = space.origin(
        of: base, pointerAt: address.rawValue &+ offset, function: nil)
    else { return nil }
    do throws(ByteError) {
      // A 0 is no null pointer here: the entry is as far from its base as it says.
      return space.narrowed(
        origin &+ (try encoding.readStored(&cursor, addressSize: space.addressSize)))
    } catch {
      // Unreachable: `count` was cut to what the bytes hold. The caller then asks the FDEs.
      return nil
    }
  }
}
