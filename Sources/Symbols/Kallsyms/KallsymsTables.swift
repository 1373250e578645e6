public import Bytes

/// How a kernel's `kallsyms` stores the addresses of its symbols (kernel/kallsyms.c,
/// `kallsyms_sym_address`). Configuration and version decide; the tables themselves don't say.
public enum KallsymsAddresses: Sendable {
  /// `kallsyms_addresses`: eight bytes each; without `CONFIG_KALLSYMS_BASE_RELATIVE`, up to 6.10.
  case absolute(ByteView)
  /// `kallsyms_offsets`: four bytes each, to be added to `kallsyms_relative_base`; 64-bit kernels of
  /// 6.15 and later, and earlier ones without `CONFIG_KALLSYMS_ABSOLUTE_PERCPU`.
  case relative(ByteView, base: UInt64)
  /// Likewise, but a number that isn't negative stands for itself (what is per CPU, and constants),
  /// and a negative one for `base - 1 - number`: `CONFIG_KALLSYMS_ABSOLUTE_PERCPU`, x86-64 up to
  /// 6.14.
  case absolutePerCPU(ByteView, base: UInt64)
  /// Four bytes each, the distance from themselves: `kallsyms_offsets` lies at `address`. 7.0 and
  /// later have no base.
  case placeRelative(ByteView, address: UInt64)

  var entrySize: UInt64 {
    if case .absolute = self { 8 } else { 4 }
  }

  var bytes: ByteView {
    switch self {
    case .absolute(let view), .relative(let view, _), .absolutePerCPU(let view, _),
      .placeRelative(let view, _):
      view
    }
  }

  /// The values of the first `count` symbols. Throws `.outOfBounds` if there are fewer.
  func decoded(count: Int) throws(ByteError) -> ContiguousArray<UInt64> {
    // The bytes are there, so a count that lies allocates nothing.
    let view = try bytes.subview(at: 0, count: UInt64(count).multipliedOrMax(by: entrySize))
    var values = ContiguousArray<UInt64>()
    values.reserveCapacity(count)
    for index in 0..<UInt64(count) {
      switch self {
      case .absolute: values.append(try view.load(UInt64.self, at: index * 8))
      case .relative(_, let base):
        values.append(base &+ UInt64(try view.load(UInt32.self, at: index * 4)))
      case .absolutePerCPU(_, let base):
        let offset = Int64(try view.load(Int32.self, at: index * 4))
        values.append(
          offset >= 0 ? UInt64(offset) : base &- 1 &- UInt64(bitPattern: offset))
      case .placeRelative(_, let address):
        let offset = Int64(try view.load(Int32.self, at: index * 4))
        values.append(address &+ index &* 4 &+ UInt64(bitPattern: offset))
      }
    }
    return values
  }
}

extension KallsymsAddresses {
  /// A kernel's image begins at `__START_KERNEL_map` or above (arch/x86/include/asm/page_64_types.h)
  /// and isn't larger than `KERNEL_IMAGE_SIZE`.
  static let lowestBase: UInt64 = 0xffff_ffff_8000_0000
  private static let imageLimit: UInt64 = 1 << 30

  /// The first of `candidates` that gives addresses of one image in ascending order; nil if none
  /// does.
  public static func fitting(_ candidates: [KallsymsAddresses], count: Int) -> KallsymsAddresses? {
    candidates.first { $0.isPlausible(count: count) }
  }

  /// Whether values ascend and most of them are the image's.
  private func isPlausible(count: Int) -> Bool {
    do throws(ByteError) {
      let values = try decoded(count: count)
      guard var last = values.first else { return false }
      var lowest = Self.lowestBase
      switch self {
      // Offsets that wrap round are none.
      case .relative(_, let base): if last < base { return false }
      // Where the table lies may not be known yet.
      case .placeRelative: lowest = last
      case .absolute, .absolutePerCPU: break
      }
      var inImage = 0
      for value in values {
        guard value >= last else { return false }
        last = value
        if value >= lowest, value - lowest < Self.imageLimit { inImage += 1 }
      }
      return inImage > count / 2 && last != values.first
    } catch {
      // There are fewer.
      return false
    }
  }
}

/// The tables of `kallsyms`, cut out of a kernel's image (scripts/kallsyms.c, `write_src`).
///
///     num_syms       u32
///     names          per symbol: how many tokens (one byte; since 6.1, two if bit 7 is set: the low
///                    seven bits first), then the tokens' numbers, a byte each
///     markers        u32 for each 256th symbol: where in names it begins
///     token_table    256 texts, each ended by a NUL
///     token_index    u16 for each token: where in token_table it begins
///     offsets        u32 per symbol (or u64: addresses)
///     relative_base  u64
///
/// A name begins with the letter that nm gives its symbol. Symbols are in ascending order of their
/// addresses. Every table begins at a multiple of 8 bytes.
public struct KallsymsTables: Sendable {
  public let count: Int
  /// May run on beyond the last name.
  public let names: ByteView
  public let tokenTable: ByteView
  public let tokenIndex: ByteView
  public let addresses: KallsymsAddresses

  /// More symbols no kernel has: one with everything built in has less than a million.
  public static let countLimit = 1 << 23

  public init(
    count: Int, names: ByteView, tokenTable: ByteView, tokenIndex: ByteView,
    addresses: KallsymsAddresses
  ) {
    self.count = count
    self.names = names
    self.tokenTable = tokenTable
    self.tokenIndex = tokenIndex
    self.addresses = addresses
  }
}

extension UInt64 {
  /// The product, or the largest number if that is too large for one.
  func multipliedOrMax(by factor: UInt64) -> UInt64 {
    let (product, overflow) = multipliedReportingOverflow(by: factor)
    return overflow ? .max : product
  }
}
