public import Bytes

/// A part of an address space that has the same fate throughout.
public struct RemoteRegion: Hashable, Sendable {
  public struct Permissions: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    public static let read = Permissions(rawValue: 1)
    public static let write = Permissions(rawValue: 2)
    public static let execute = Permissions(rawValue: 4)
  }

  public var start: VirtualAddress
  /// The last byte that belongs to it.
  public var last: VirtualAddress
  /// None for a hole.
  public var permissions: Permissions
  /// The mapped file; empty if there is none.
  public var name: String

  public init(
    start: VirtualAddress, last: VirtualAddress, permissions: Permissions, name: String = ""
  ) {
    self.start = start
    self.last = last
    self.permissions = permissions
    self.name = name
  }
}
