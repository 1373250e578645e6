/// A 64-bit position in one particular space. The conforming types keep the spaces apart: a
/// guest-physical address never slips into a parameter that wants a file offset.
public protocol Address: RawRepresentable<UInt64>, Hashable, Comparable, Sendable,
  CustomStringConvertible
{
  init(_ rawValue: UInt64)
}

extension Address {
  @inlinable
  public init(rawValue: UInt64) { self.init(rawValue) }

  @inlinable
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  /// The address `count` bytes further, or nil past the end of the 64-bit space.
  @inlinable
  public func advanced(by count: UInt64) -> Self? {
    let (sum, overflow) = rawValue.addingReportingOverflow(count)
    return overflow ? nil : Self(sum)
  }

  /// The address `count` bytes further, modulo 2⁶⁴, as the CPU's own address arithmetic gives it.
  @inlinable
  public static func &+ (address: Self, count: UInt64) -> Self { Self(address.rawValue &+ count) }

  /// The address `count` bytes back, modulo 2⁶⁴.
  @inlinable
  public static func &- (address: Self, count: UInt64) -> Self { Self(address.rawValue &- count) }

  /// How many bytes lie between `start` and this address, or nil if this address comes first.
  @inlinable
  public func offset(from start: Self) -> UInt64? {
    rawValue >= start.rawValue ? rawValue - start.rawValue : nil
  }

  /// `0x` and lower-case hexadecimal digits without padding, as gdb prints addresses.
  public var description: String { "0x" + String(rawValue, radix: 16) }
}

/// An address as the instructions of a process or kernel see it.
public struct VirtualAddress: Address {
  public let rawValue: UInt64

  @inlinable
  public init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// An address as a machine's memory bus sees it.
public struct PhysicalAddress: Address {
  public let rawValue: UInt64

  @inlinable
  public init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// A byte's distance from the start of a file.
public struct FileOffset: Address {
  public let rawValue: UInt64

  @inlinable
  public init(_ rawValue: UInt64) { self.rawValue = rawValue }
}
