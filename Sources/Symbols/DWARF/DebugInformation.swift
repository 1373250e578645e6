public import Bytes
import Synchronization
public import Unwinding

/// The debug information (DWARF 2 to 5) of one module: a program, a shared library, a kernel.
///
/// All addresses are the module's own (link-time) ones. Calls on one instance run one after
/// another; different instances may be used in parallel.
public final class DebugInformation: TypeGraph, Sendable {
  /// What the module is called in messages.
  public let name: String

  /// Opens the debug information in `image`, an ELF file: the module itself or its separate debug
  /// file.
  ///
  /// - Parameters:
  ///   - alternate: the file that `.gnu_debugaltlink` names, which dwz moved common parts into.
  ///   - name: what messages call the module.
  /// - Throws: `.noDebugInformation`, `.malformed`.
  public init(image: ByteView, alternate: ByteView? = nil, name: String) throws(SymbolError) {
    self.name = name
    throw .noDebugInformation(file: name)
  }

  /// What couldn't be read so far, for the analyst: a missing alternate or split file, a damaged
  /// unit.
  public var diagnostics: [String] { [] }

  /// The functions whose code covers `address`, innermost first: inlined ones, then the function
  /// itself. Empty if the debug information covers no such address.
  ///
  /// For a return address pass the address minus one, and the call's line is found.
  public func frames(at address: UInt64) throws(SymbolError) -> [FunctionScope] {
    throw .noDebugInformation(file: name)
  }

  /// The line that the code at `address` was made from.
  public func location(at address: UInt64) throws(SymbolError) -> SourceLocation? {
    throw .noDebugInformation(file: name)
  }

  /// `scope`'s parameters in the order of declaration, or its local variables at `address`:
  /// those of the innermost block first, as gdb's `info locals` prints them.
  public func variables(
    in scope: FunctionScope, at address: UInt64, arguments: Bool
  ) throws(SymbolError) -> [Variable] {
    throw .noDebugInformation(file: name)
  }

  /// What `DW_OP_fbreg` counts from in `scope` (for an inlined one, in the function around it) at
  /// `address`. Nil if none is recorded for it.
  public func frameBase(
    of scope: FunctionScope, at address: UInt64
  ) throws(SymbolError) -> [DWARFOperation]? {
    throw .noDebugInformation(file: name)
  }

  /// The call that returns to `returnAddress`; nil if the compiler recorded none.
  public func callSite(returnAddress: UInt64) throws(SymbolError) -> CallSite? {
    throw .noDebugInformation(file: name)
  }

  public func node(_ id: TypeID) throws(SymbolError) -> TypeNode {
    throw .unknownType(id.rawValue)
  }
}
