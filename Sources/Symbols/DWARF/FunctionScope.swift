/// One entry (DIE) of one module's debug information, meaningful only to the `DebugInformation`
/// that gave it.
public struct EntryID: Hashable, Sendable {
  public let rawValue: UInt64
  public init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// A place in the source.
public struct SourceLocation: Hashable, Sendable {
  /// The path as the compiler recorded it and as gdb prints it: often relative to `directory`.
  public let file: String
  /// The directory that the compiler ran in.
  public let directory: String?
  /// Counts from 1; 0 when the compiler gave none.
  public let line: UInt32
  /// Counts from 1; 0 when the compiler gave none.
  public let column: UInt32

  public init(file: String, directory: String?, line: UInt32, column: UInt32 = 0) {
    self.file = file
    self.directory = directory
    self.line = line
    self.column = column
  }
}

/// What a compilation unit was written in, as far as printing names and values depends on it.
public enum SourceLanguage: Hashable, Sendable {
  case c, cPlusPlus, rust, swift, assembler
  /// Another one, by its DW_LANG code.
  case other(UInt64)
}

/// A function, out of line or inlined, whose code covers an address. Addresses are the module's own
/// (link-time) ones.
public struct FunctionScope: Hashable, Sendable {
  public let id: EntryID
  /// As gdb's `info symbol` and `info scope` print it: in C++ with scopes and parameter types,
  /// `ns::Class<int>::method(int) const`.
  public let name: String
  /// As gdb's `backtrace` prints it: `name` without the parameter list,
  /// `ns::Class<int>::method`.
  public let frameName: String
  /// The symbol's name, mangled in C++, if the compiler recorded one.
  public let linkageName: String?
  public let language: SourceLanguage
  /// The function was inlined into the next scope.
  public let isInlined: Bool
  /// Where this frame is: for the innermost scope the address's line, for the others where the next
  /// inner one was called.
  public let location: SourceLocation?
  /// Where the function itself begins: the address to break at.
  public let entry: UInt64?
  /// The code, in the order in which it was recorded.
  public let ranges: [Range<UInt64>]

  public init(
    id: EntryID, name: String, frameName: String, linkageName: String?, language: SourceLanguage,
    isInlined: Bool, location: SourceLocation?, entry: UInt64?, ranges: [Range<UInt64>]
  ) {
    self.id = id
    self.name = name
    self.frameName = frameName
    self.linkageName = linkageName
    self.language = language
    self.isInlined = isInlined
    self.location = location
    self.entry = entry
    self.ranges = ranges
  }

  /// The lowest address of the function's code.
  public var lowPC: UInt64? { ranges.map(\.lowerBound).min() }

  public func contains(_ address: UInt64) -> Bool { ranges.contains { $0.contains(address) } }
}
