public import Bytes

/// One stretch of a process's address space as the process set it up.
public struct Mapping: Hashable, Sendable {
  public let start: VirtualAddress
  /// In bytes.
  public let count: UInt64
  /// Nil when the dump doesn't say.
  public let protection: Protection?
  /// The mapped file's path as the process saw it; nil for anonymous memory.
  public let path: String?
  /// Where in the file the mapping begins.
  public let fileOffset: FileOffset?

  public init(
    start: VirtualAddress, count: UInt64, protection: Protection?, path: String? = nil,
    fileOffset: FileOffset? = nil
  ) {
    self.start = start
    self.count = count
    self.protection = protection
    self.path = path
    self.fileOffset = fileOffset
  }

  public func contains(_ address: VirtualAddress) -> Bool {
    guard let offset = address.offset(from: start) else { return false }
    return offset < count
  }

  /// What a process may do with its memory: the bits of `p_flags` (gABI, "Program header").
  public struct Protection: OptionSet, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let execute = Protection(rawValue: 1)
    public static let write = Protection(rawValue: 2)
    public static let read = Protection(rawValue: 4)

    /// As in `/proc/PID/maps`: `r-x`.
    public var description: String {
      (contains(.read) ? "r" : "-") + (contains(.write) ? "w" : "-")
        + (contains(.execute) ? "x" : "-")
    }
  }
}
