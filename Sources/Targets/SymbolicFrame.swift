public import Bytes
public import Symbols
public import Unwinding

/// One line of a backtrace: a frame of the stack, or a function that was inlined into one.
public struct SymbolicFrame: Sendable {
  /// Counts from 0, the innermost; inlined functions count, as in gdb.
  public let level: Int
  /// The frame of the stack that this line stands for.
  public let frame: Frame
  /// Which frame of the backtrace `frame` is.
  public let frameIndex: Int
  /// The module that holds the code; nil if none does.
  public let module: Module?
  /// The function by debug information; nil without any.
  public let scope: FunctionScope?
  /// The nearest symbol at or before the code; nil if there is none.
  public let symbol: SymbolOffset?
  /// This function, or the one whose call was inlined here: where in the source it is.
  public let location: SourceLocation?
  /// The line stands for a place where the program counter really is, and not at the very start of
  /// a source line: gdb then prints the address.
  public let showsAddress: Bool

  /// The function was inlined into the next line's.
  public var isInlined: Bool { scope?.isInlined ?? false }

  /// The function's name as gdb prints it; nil where neither debug information nor a symbol names
  /// it.
  public var functionName: String? { scope?.frameName ?? symbol?.symbol.displayName }
}

/// A symbol and how far beyond its start an address is.
public struct SymbolOffset: Hashable, Sendable {
  public let symbol: NamedSymbol
  /// In bytes.
  public let offset: UInt64
}
