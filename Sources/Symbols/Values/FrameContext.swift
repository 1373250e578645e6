public import Bytes
public import Unwinding

/// A frame of a stack as the values of its variables depend on it: its registers, its memory, and
/// how it was called.
///
/// An inlined function has no frame of its own: its variables are read with the context of the
/// function around it.
public protocol FrameContext: Sendable {
  /// The types and entries that this frame's expressions refer to: its module's debug information.
  var graph: any TypeGraph { get }

  /// The integer registers as this frame's code sees them.
  var registers: RegisterState { get }

  /// What memory holds.
  var memory: any Memory { get }

  /// The canonical frame address; nil if it is unknown.
  var canonicalFrameAddress: VirtualAddress? { get }

  /// The function's `DW_AT_frame_base` where this frame is; nil if it has none.
  var frameBase: [DWARFOperation]? { get }

  /// What to add, modulo 2⁶⁴, to an address in the frame's module to get the one in memory.
  var bias: UInt64 { get }

  /// The function that this frame runs, inlined ones apart; nil without debug information.
  var function: FunctionScope? { get }

  /// This frame's caller and the call that it will return to; nil if either is unknown.
  var caller: CallerContext? { get }

  /// The bytes of a register that `registers` has no place for, such as `xmm0` (number 17 on
  /// x86-64) or `st0` (33); nil if its value here is unknown. By default always nil.
  func registerBytes(_ register: RegisterNumber) -> [UInt8]?

  /// Where the frame's thread keeps the byte at `offset` of the module's thread-local block; nil if
  /// it can't be found. By default always nil.
  func threadLocalAddress(offset: UInt64) -> VirtualAddress?

  /// The variable that a DIE describes, with its location where this frame is: expressions refer to
  /// variables of which only a value is left. Nil if there is none; by default always.
  func variable(_ id: EntryID) -> Variable?

  /// How the lengths of `array`, whose size is known at run time only, are to be had where this frame
  /// is (`DebugInformation.arrayBounds(of:at:)`). By default none.
  func arrayBounds(of array: TypeID) -> [ArrayBound]

  /// The address in memory of the function of that linkage name, wherever it is; nil if it isn't
  /// known, as by default.
  func functionAddress(linkageName: String) -> VirtualAddress?

  /// Whether the function may call itself by a chain of tail calls. The caller's record of the
  /// arguments may then be of an earlier turn. By default false.
  var mayTailCallItself: Bool { get }
}

/// A frame's caller, and the call that brought it about.
public struct CallerContext: Sendable {
  public let frame: any FrameContext
  public let callSite: CallSite

  public init(frame: any FrameContext, callSite: CallSite) {
    self.frame = frame
    self.callSite = callSite
  }
}

extension FrameContext {
  public func registerBytes(_ register: RegisterNumber) -> [UInt8]? { nil }
  public func threadLocalAddress(offset: UInt64) -> VirtualAddress? { nil }
  public func variable(_ id: EntryID) -> Variable? { nil }
  public func arrayBounds(of array: TypeID) -> [ArrayBound] { [] }
  public func functionAddress(linkageName: String) -> VirtualAddress? { nil }
  public var mayTailCallItself: Bool { false }

  /// The register's bytes, the lowest first; nil if its value here is unknown.
  func bytes(of register: RegisterNumber) -> [UInt8]? {
    if let word = registers[register] {
      return (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) }
    }
    return registerBytes(register)
  }
}
