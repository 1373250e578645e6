/// How values are printed. The names follow gdb's `set print …`; the defaults are gdb 13's.
public struct FormatOptions: Hashable, Sendable {
  /// How many elements of an array, and characters of a string, are shown (`print elements`); nil
  /// for no limit.
  public var elementLimit: Int? = 200
  /// More equal neighbours than this are shown once, with `<repeats N times>` (`print repeats`).
  public var repeatThreshold = 10
  /// How deep structures within structures are shown before `{...}` (`print max-depth`).
  public var maximumDepth = 20
  /// Whether a class's static members are shown (`print static-members`).
  public var showsStaticMembers = true
  /// Whether each member of a structure gets a line of its own (`print pretty`).
  public var isPretty = false
  /// Whether a `char` array ends with its first NUL (`print null-stop`); those of other types of one
  /// byte, which rarely hold text, never do.
  public var stopsAtNull = false
  /// Which arguments a frame line shows (`print frame-arguments`).
  public var frameArguments = FrameArgumentsMode.scalars
  /// Whether a frame line shows the values that parameters had on entry (`print entry-values`).
  public var entryValues = EntryValuesMode.default
  /// Values of more bytes than this aren't read (`max-value-size`).
  public var maximumValueSize: UInt64 = 65536
  /// Whether printable characters beyond ASCII stand for themselves, as in a UTF-8 locale, or are
  /// escaped, as in the C locale.
  public var showsUnicode = true
  /// Whether a 16-byte `long double` is IEEE quadruple precision, as on AArch64, or x87's 80 bits,
  /// as on x86-64.
  public var longDoubleIsQuadruple = false

  public init() {}
}

/// Which arguments a frame line shows.
public enum FrameArgumentsMode: String, Hashable, Sendable {
  /// All of them, in full.
  case all
  /// `...` instead of structures, unions and arrays.
  case scalars
  /// `...` instead of each value.
  case none
  /// `...` instead of the whole list.
  case presence
}

/// Which of a parameter's two values, the actual one and the one on entry, a frame line shows.
/// gdb's other modes exist for its own tests.
public enum EntryValuesMode: String, Hashable, Sendable {
  /// The actual value, and the one on entry if it is known: `x=x@entry=5`, `x=6, x@entry=5`.
  case `default`
  /// The actual value only.
  case no
}
