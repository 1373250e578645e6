public import Unwinding

/// A parameter, local or global variable as the debug information describes it at one address.
public struct Variable: Hashable, Sendable {
  public let id: EntryID
  /// Nil for a parameter without a name.
  public let name: String?
  /// Nil if the type is missing from the debug information.
  public let type: TypeID?
  public let location: VariableLocation
  /// The compiler made it: C++'s `this`, for one.
  public let isArtificial: Bool
  /// How many lexical blocks, within the function, enclose it: 0 for parameters and the function's
  /// outermost variables.
  public let blockDepth: Int

  public init(
    id: EntryID, name: String?, type: TypeID?, location: VariableLocation,
    isArtificial: Bool = false, blockDepth: Int = 0
  ) {
    self.id = id
    self.name = name
    self.type = type
    self.location = location
    self.isArtificial = isArtificial
    self.blockDepth = blockDepth
  }
}

/// Where a variable's value is to be had.
public enum VariableLocation: Hashable, Sendable {
  /// By evaluating a location description.
  case operations([DWARFOperation])
  /// The value itself, the same everywhere (`DW_AT_const_value`).
  case constant(ConstantValue)
  /// There is no location at all, or an empty one.
  case optimizedOut
  /// There is a list of locations, but none for this address.
  case absentAtAddress
  /// There is one, but it can't be decoded.
  case unreadable(SymbolError)
}

/// A value that stands in the debug information itself.
public enum ConstantValue: Hashable, Sendable {
  /// A number; a negative one as two's complement.
  case number(UInt64)
  /// The value's bytes in the target's order.
  case bytes([UInt8])
}

/// What the debug information says about one call instruction (DWARF 5, section 3.4).
public struct CallSite: Hashable, Sendable {
  /// The address of the instruction after the call.
  public let returnAddress: UInt64
  public let isTailCall: Bool
  /// The called function's linkage name if it has one, else its name; nil for an indirect call.
  public let originLinkageName: String?
  /// The called function's name as in `FunctionScope.name`.
  public let originName: String?
  /// The called function's entry in this module, whether a declaration or a definition.
  public let origin: EntryID?
  /// Gives the called address of an indirect call; evaluated in the caller's frame.
  public let target: [DWARFOperation]?
  public let parameters: [Parameter]
  /// Where the call leads if debug information alone tells.
  public let callee: CallTarget

  /// What the caller put into one argument's place.
  public struct Parameter: Hashable, Sendable {
    /// The place in terms of the called function's entry: one register, or an offset from its stack
    /// pointer.
    public let location: [DWARFOperation]
    /// Gives the value; evaluated in the caller's frame. Nil if the compiler knew none.
    public let value: [DWARFOperation]?
    /// Gives what the argument, a reference, refers to (`DW_AT_call_data_value`).
    public let dataValue: [DWARFOperation]?

    public init(
      location: [DWARFOperation], value: [DWARFOperation]?, dataValue: [DWARFOperation]? = nil
    ) {
      self.location = location
      self.value = value
      self.dataValue = dataValue
    }
  }

  public init(
    returnAddress: UInt64, isTailCall: Bool, originLinkageName: String?, originName: String?,
    origin: EntryID?, target: [DWARFOperation]?, parameters: [Parameter],
    callee: CallTarget = .unknown
  ) {
    self.returnAddress = returnAddress
    self.isTailCall = isTailCall
    self.originLinkageName = originLinkageName
    self.originName = originName
    self.origin = origin
    self.target = target
    self.parameters = parameters
    self.callee = callee
  }
}
