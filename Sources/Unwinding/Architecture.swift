import Bytes

/// What the unwinder has to know of a CPU and its ABI. A port is one more value of this type.
public struct Architecture: Sendable {
  /// The name that GNU tools use.
  public let name: String
  /// Bytes of an address.
  public let addressSize: UInt8
  /// The register that holds the program counter in a `RegisterState`.
  public let programCounter: RegisterNumber
  public let stackPointer: RegisterNumber
  public let framePointer: RegisterNumber
  /// The column that holds the return address in this ABI's CIEs. On x86-64 it is the program
  /// counter itself; on AArch64 it is the link register.
  public let returnAddress: RegisterNumber
  /// The registers a call leaves as they were, as bits by DWARF number.
  public let calleeSaved: UInt64
  /// Which bits of a signed return address are address (AArch64 pointer authentication).
  public let signedReturnAddressMask: UInt64
  /// What call instructions look like.
  public let callEncoding: CallEncoding
  /// Register names by DWARF number, as gdb prints them.
  public let registerNames: [String]
  /// The caller of a function that keeps a frame pointer, at any instruction of its body.
  public let framePointerRow: UnwindRow
  /// The caller of a function that has pushed nothing (yet): one about to run its first
  /// instruction.
  public let untouchedStackRow: UnwindRow
  /// The code that returns from a signal handler.
  public let signalTrampoline: SignalTrampoline

  /// How the kernel's signal frame is recognised and undone where no CFI describes it.
  public struct SignalTrampoline: Sendable {
    /// The instructions.
    public let code: [UInt8]
    /// Where among `code` an instruction starts, in bytes: the program counters that can be seen.
    public let instructionOffsets: [UInt64]
    /// The interrupted code, from the registers as they are when `code` runs.
    public let row: UnwindRow
  }

  /// The register's name; `r` and its number if the table has none.
  public func name(of register: RegisterNumber) -> String {
    let index = Int(register.rawValue)
    return index < registerNames.count ? registerNames[index] : "r\(index)"
  }

  /// The register of that name, or nil if the table has none.
  public func register(named name: String) -> RegisterNumber? {
    registerNames.firstIndex(of: name).map { RegisterNumber(UInt16($0)) }
  }
}

/// Bits by DWARF register number.
func registerMask(_ numbers: UInt64...) -> UInt64 {
  numbers.reduce(0) { $0 | 1 << $1 }
}

extension Architecture: Equatable {
  public static func == (left: Architecture, right: Architecture) -> Bool {
    left.name == right.name
  }
}
