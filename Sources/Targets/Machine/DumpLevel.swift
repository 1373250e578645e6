/// Which pages a dump leaves out, in makedumpfile's numbers (makedumpfile(8), `-d`).
public struct DumpLevel: OptionSet, Hashable, Sendable {
  public let rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Pages of nothing but zeros.
  public static let zero = DumpLevel(rawValue: 1)
  /// Pages of the page cache and of the swap cache that no file system keeps data of its own on.
  public static let cache = DumpLevel(rawValue: 2)
  /// All pages of the page cache and of the swap cache.
  public static let cacheWithPrivate = DumpLevel(rawValue: 4)
  /// Memory of processes that isn't of files.
  public static let user = DumpLevel(rawValue: 8)
  /// Free pages.
  public static let free = DumpLevel(rawValue: 16)
  /// All of them: 31.
  public static let all: DumpLevel = [.zero, .cache, .cacheWithPrivate, .user, .free]

  /// What can't be told from a page's contents: the guest's kernel has to be asked.
  public static let needingKernel: DumpLevel = [.cache, .cacheWithPrivate, .user, .free]
}
