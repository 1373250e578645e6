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
  /// The function that the frame runs, inlined ones apart; nil without debug information.
  public let function: FunctionScope?
  /// The nearest symbol at or before the code; nil if there is none.
  public let symbol: SymbolOffset?
  /// The line stands for a place where the program counter really is, and not at the very start of
  /// a source line: gdb then prints the address.
  public let showsAddress: Bool

  /// The function was inlined into the next line's.
  public var isInlined: Bool {
    frame.evidence != .tailCall && (scope?.isInlined ?? false)
  }

  /// The function's name as gdb's backtrace prints it; nil where neither debug information nor a
  /// symbol names it.
  public var functionName: String? { scope?.frameName ?? symbol?.displayName }
}

/// A symbol and how far beyond its start an address is.
public struct SymbolOffset: Hashable, Sendable {
  public let symbol: ELFSymbol
  /// In bytes.
  public let offset: UInt64

  public init(symbol: ELFSymbol, offset: UInt64) {
    self.symbol = symbol
    self.offset = offset
  }

  /// The symbol's name, demangled without its parameters, as gdb's backtrace prints it.
  public var displayName: String {
    Demangler.demangle(symbol.name, style: .withoutParameters) ?? symbol.name
  }
}

extension Process {
  /// The lines that gdb would print for `backtrace`. What of the debug information can't be read on
  /// the way is added to `problems`. Without debug information only symbols are looked up.
  func symbolicate(
    _ backtrace: Backtrace, usingDebugInformation: Bool, problems: ProblemLog
  ) -> [SymbolicFrame] {
    var lines: [SymbolicFrame] = []
    for (index, frame) in backtrace.frames.enumerated() {
      let module = module(containing: frame.lookupAddress)
      var scopes: [FunctionScope] = []
      var isLineStart = false
      if usingDebugInformation, !frame.isSignalFrame, let module,
        let information = module.contents.debugInformation
      {
        let address = module.linkAddress(of: frame.lookupAddress).rawValue
        do throws(SymbolError) {
          scopes = try information.frames(at: address)
          if !frame.isAfterCall { isLineStart = try information.isLineStart(address) }
        } catch {
          problems.add("\(module.path): \(error)")
        }
      }
      let symbol = module?.symbol(at: frame.lookupAddress)
      // Of a frame that a tail call left, gdb shows only the innermost function.
      let shown: [FunctionScope?] =
        scopes.isEmpty ? [nil] : frame.evidence == .tailCall ? [scopes[0]] : scopes
      for (depth, scope) in shown.enumerated() {
        lines.append(
          SymbolicFrame(
            level: lines.count, frame: frame, frameIndex: index, module: module, scope: scope,
            function: scopes.last, symbol: symbol,
            showsAddress: scopes.isEmpty || (depth == 0 && !isLineStart)))
      }
    }
    return lines
  }
}
