public import Bytes

/// Physical memory in which a test lays out page tables, entry by entry.
public struct PageTableWorld: Sendable {
  /// The shapes of x86 tables: from the root down, which bits of the address select an entry.
  public enum Shape: Sendable, CaseIterable {
    case twoLevel, pae, fourLevel, fiveLevel

    var shifts: [UInt64] {
      switch self {
      case .twoLevel: [22, 12]
      case .pae: [30, 21, 12]
      case .fourLevel: [39, 30, 21, 12]
      case .fiveLevel: [48, 39, 30, 21, 12]
      }
    }

    public var entrySize: UInt64 { self == .twoLevel ? 4 : 8 }

    func index(_ address: UInt64, _ shift: UInt64) -> UInt64 {
      let width: UInt64 =
        switch (self, shift) {
        case (.twoLevel, _): 10
        case (.pae, 30): 2
        default: 9
        }
      return address >> shift & (1 << width - 1)
    }
  }

  public let shape: Shape
  /// Where the tables and pages lie.
  public let start: UInt64
  public let root: UInt64
  private var bytes: [UInt8]
  private var nextPage: UInt64

  public static let present: UInt64 = 1
  public static let writable: UInt64 = 2
  public static let user: UInt64 = 4
  public static let large: UInt64 = 0x80
  public static let noExecute: UInt64 = 1 << 63

  /// `size` bytes of zeros at `start`, the first page of which is the first table.
  public init(_ shape: Shape, start: UInt64 = 0x10_0000, size: Int = 64 << 12) {
    self.shape = shape
    self.start = start
    root = start
    bytes = [UInt8](repeating: 0, count: size)
    nextPage = start + 4096
  }

  public var view: ByteView { ByteView(copying: bytes) }

  /// The address of a fresh page.
  public mutating func allocatePage() -> UInt64 {
    defer { nextPage += 4096 }
    return nextPage
  }

  public mutating func write(_ more: [UInt8], at address: UInt64) {
    let offset = Int(address - start)
    bytes.replaceSubrange(offset..<offset + more.count, with: more)
  }

  public func read(_ address: UInt64, count: Int) -> [UInt8] {
    let offset = Int(address - start)
    return Array(bytes[offset..<offset + count])
  }

  private func number(at address: UInt64) -> UInt64 {
    let stored = read(address, count: Int(shape.entrySize))
    return stored.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// Sets the entry with that index of the table at `table`.
  public mutating func set(_ index: UInt64, of table: UInt64, to value: UInt64) {
    let place = table + index * shape.entrySize
    if shape.entrySize == 4 {
      write(little(UInt32(value)), at: place)
    } else {
      write(little(value), at: place)
    }
  }

  /// Where the entry is that translates `address` at `depth`; makes the tables that lead there.
  public mutating func entryAddress(for address: UInt64, depth: Int) -> UInt64 {
    var table = root
    for (step, shift) in shape.shifts.enumerated() {
      let place = table + shape.index(address, shift) * shape.entrySize
      if step == depth { return place }
      var value = number(at: place)
      if value == 0 {
        // The first table of PAE has no permissions.
        let flags: UInt64 = shape == .pae && step == 0 ? Self.present : 7
        value = allocatePage() | flags
        set(shape.index(address, shift), of: table, to: value)
      }
      table = value & 0x000f_ffff_ffff_f000
    }
    return table
  }

  /// Maps the page of `address` at `depth` by the entry `value`.
  public mutating func map(_ address: UInt64, depth: Int? = nil, entry value: UInt64) {
    let place = entryAddress(for: address, depth: depth ?? shape.shifts.count - 1)
    if shape.entrySize == 4 {
      write(little(UInt32(value)), at: place)
    } else {
      write(little(value), at: place)
    }
  }
}

/// The same sequence of numbers in every run (SplitMix64).
public struct RepeatableRandom: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
