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
  private let session: Mutex<Session>

  /// Opens the debug information in `image`, an ELF file: the module itself or its separate debug
  /// file.
  ///
  /// - Parameters:
  ///   - alternate: the file that `.gnu_debugaltlink` names, which dwz moved common parts into.
  ///   - name: what messages call the module.
  /// - Throws: `.noDebugInformation`, `.malformed`.
  public init(image: ByteView, alternate: ByteView? = nil, name: String) throws(SymbolError) {
    self.name = name
    session = Mutex(try Session(image: image, alternate: alternate, name: name))
  }

  /// What couldn't be read so far, for the analyst: a missing alternate or split file, a damaged
  /// unit.
  public var diagnostics: [String] { session.withLock { $0.diagnostics } }

  /// The functions whose code covers `address`, innermost first: inlined ones, then the function
  /// itself. Empty if the debug information covers no such address.
  ///
  /// For a return address pass the address minus one, and the call's line is found.
  public func frames(at address: UInt64) throws(SymbolError) -> [FunctionScope] {
    try session.withLock { session throws(SymbolError) in try session.frames(at: address) }
  }

  /// The line that the code at `address` was made from.
  public func location(at address: UInt64) throws(SymbolError) -> SourceLocation? {
    try session.withLock { session throws(SymbolError) in try session.location(at: address) }
  }

  /// Whether an entry of the line table that marks the beginning of a statement begins exactly at
  /// `address`: gdb then leaves the address out of a frame's line.
  public func isLineStart(_ address: UInt64) throws(SymbolError) -> Bool {
    try session.withLock { session throws(SymbolError) in try session.isLineStart(address) }
  }

  /// `scope`'s parameters in the order of declaration, or its local variables at `address`:
  /// those of the innermost block first, as gdb's `info locals` prints them.
  public func variables(
    in scope: FunctionScope, at address: UInt64, arguments: Bool
  ) throws(SymbolError) -> [Variable] {
    try session.withLock { session throws(SymbolError) in
      try session.variables(in: scope.id, at: address, arguments: arguments)
    }
  }

  /// What `DW_OP_fbreg` counts from in `scope` (for an inlined one, in the function around it) at
  /// `address`. Nil if none is recorded for it.
  public func frameBase(
    of scope: FunctionScope, at address: UInt64
  ) throws(SymbolError) -> [DWARFOperation]? {
    try session.withLock { session throws(SymbolError) in
      try session.frameBase(of: scope, at: address)
    }
  }

  /// The call that returns to `returnAddress`; nil if the compiler recorded none.
  public func callSite(returnAddress: UInt64) throws(SymbolError) -> CallSite? {
    try session.withLock { session throws(SymbolError) in
      try session.callSite(returnAddress: returnAddress)
    }
  }

  /// The jumps by which the function that begins at `address` leaves for another function without
  /// returning; nil if no function of which anything is known begins there.
  public func tailCalls(ofFunctionAt address: UInt64) throws(SymbolError) -> [TailCall]? {
    try session.withLock { session throws(SymbolError) in
      try session.tailCalls(ofFunctionAt: address)
    }
  }

  public func node(_ id: TypeID) throws(SymbolError) -> TypeNode {
    try session.withLock { session throws(SymbolError) in try session.node(id) }
  }

  /// How the length of each dimension of the array type `id` is to be had in a frame at `address`;
  /// empty if `id` is no array.
  public func arrayBounds(
    of id: TypeID, at address: UInt64
  ) throws(SymbolError) -> [ArrayBound] {
    try session.withLock { session throws(SymbolError) in
      try session.arrayBounds(of: id, at: address)
    }
  }

  // MARK: Names

  /// The type of that name and kind; a definition rather than a declaration. Nil if there is none.
  /// In C++ the name comes with its scopes.
  public func type(
    named name: String, kind: TypeKind, hint: LookupHint? = nil
  ) throws(SymbolError) -> TypeID? {
    try session.withLock { session throws(SymbolError) in
      try session.find(LookupKey(name: name, subject: .type(kind)), hint: hint).map(session.typeID)
    }
  }

  /// The out-of-line function of that name, with its scopes but without parameters in C++, or of
  /// that linkage name.
  public func function(
    named name: String, hint: LookupHint? = nil
  ) throws(SymbolError) -> FunctionScope? {
    try session.withLock { session throws(SymbolError) in
      try session.function(named: name, hint: hint)
    }
  }

  /// The variable of static storage of that name, with its scopes in C++, or of that linkage name.
  public func globalVariable(
    named name: String, hint: LookupHint? = nil
  ) throws(SymbolError) -> GlobalVariable? {
    try session.withLock { session throws(SymbolError) in
      try session.globalVariable(named: name, hint: hint)
    }
  }

  /// The definition of a record or enumeration that `id` merely declares, as found elsewhere in the
  /// module; `id` itself if it's complete, or if the module holds no definition.
  public func definition(of id: TypeID) throws(SymbolError) -> TypeID {
    try session.withLock { session throws(SymbolError) in try session.definition(of: id) }
  }
}
