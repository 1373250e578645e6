/// The registers of a target's threads, in the order of the protocol: what a client's target
/// description says of them (gdb manual, "Target Description Format").
public struct TargetDescription: Sendable {
  /// A register.
  public struct Register: Hashable, Sendable {
    public var name: String
    /// A multiple of 8.
    public var bits: Int
    /// A type that clients know (`int64`, `code_ptr`, `i387_ext`), or one that the feature defines.
    public var type: String
    /// Where `info registers` is to show it other than among the general ones: `float`, `vector`.
    public var group: String?
    /// Its number in DWARF; nil if it has none.
    public var dwarf: Int?
    /// What it is for, in lldb's words: `pc`, `sp`, `fp`, `ra`, `flags`.
    public var role: String?

    public init(
      _ name: String, bits: Int, type: String, group: String? = nil, dwarf: Int? = nil,
      role: String? = nil
    ) {
      self.name = name
      self.bits = bits
      self.type = type
      self.group = group
      self.dwarf = dwarf
      self.role = role
    }

    /// Its size in bytes.
    public var size: Int { bits / 8 }
  }

  /// A type for registers that clients don't know.
  public enum TypeDefinition: Hashable, Sendable {
    /// Single bits and fields of a register of `size` bytes.
    case flags(id: String, size: Int, fields: [Field])
    /// 128 bits as vectors of each usual element.
    case vector128(id: String)

    /// Bits `low` to `high`, counted from the least significant.
    public struct Field: Hashable, Sendable {
      public var name: String
      public var low: Int
      public var high: Int

      public init(_ name: String, _ low: Int, to high: Int? = nil) {
        self.name = name
        self.low = low
        self.high = high ?? low
      }
    }
  }

  /// A group of registers that clients know by its name, and by the names of those in it.
  public struct Feature: Hashable, Sendable {
    public var name: String
    public var types: [TypeDefinition]
    public var registers: [Register]

    public init(_ name: String, types: [TypeDefinition] = [], registers: [Register]) {
      self.name = name
      self.types = types
      self.registers = registers
    }
  }

  /// As gdb calls it: `i386:x86-64`.
  public let architecture: String
  /// As lldb calls it: `x86_64-unknown-linux-gnu`.
  public let triple: String
  public let features: [Feature]
  /// The registers of all features, by number.
  public let registers: [Register]
  /// Where each register begins in a `g` packet, in bytes, and behind the last one where it ends.
  public let offsets: [Int]
  /// The numbers of the registers that a stop is reported with, for clients ask for them at once.
  public let expedited: [Int]
  private let numbers: [String: Int]

  /// `expedited` names registers; names that there aren't are passed over.
  public init(
    architecture: String, triple: String, features: [Feature], expedited: [String] = []
  ) {
    self.architecture = architecture
    self.triple = triple
    self.features = features
    registers = features.flatMap(\.registers)
    var offsets = [0]
    for register in registers { offsets.append(offsets[offsets.count - 1] + register.size) }
    self.offsets = offsets
    let numbers = Dictionary(
      registers.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    self.numbers = numbers
    self.expedited = expedited.compactMap { numbers[$0] }
  }

  /// The number of the register called `name`.
  public func number(of name: String) -> Int? { numbers[name] }

  /// The size of a `g` packet's contents in bytes.
  public var size: Int { offsets[registers.count] }
}
