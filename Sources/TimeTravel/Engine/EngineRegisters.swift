public import Bytes

/// The registers of the machine's CPU at one moment.
///
/// Equal are those of one state of the recorded machine: bits that are undefined don't count.
public struct EngineRegisters: Sendable {
  /// Bits that instructions leave undefined. What an engine gives them depends on how it came to the state: by one
  /// run, or by steps.
  public struct UndefinedBits: Hashable, Sendable {
    /// In `bytes`.
    public let offset: Int
    /// Those of the byte at `offset`, then those of the next, and so on.
    public let masks: [UInt8]

    public init(offset: Int, masks: [UInt8]) {
      self.offset = offset
      self.masks = masks
    }
  }

  /// All registers in the engine's own, fixed layout, which the timeline only compares.
  public let bytes: [UInt8]
  public let programCounter: VirtualAddress
  public let stackPointer: VirtualAddress
  /// The same for all registers of an engine.
  private let undefined: UndefinedBits?

  public init(
    bytes: [UInt8], programCounter: VirtualAddress, stackPointer: VirtualAddress,
    undefined: UndefinedBits? = nil
  ) {
    self.bytes = bytes
    self.programCounter = programCounter
    self.stackPointer = stackPointer
    self.undefined = undefined
  }

  /// `bytes` with zeros for what is undefined.
  var definedBytes: [UInt8] {
    guard let undefined else { return bytes }
    var bytes = bytes
    for (index, mask) in zip(bytes.indices.dropFirst(undefined.offset), undefined.masks) {
      bytes[index] &= ~mask
    }
    return bytes
  }
}

extension EngineRegisters: Hashable {
  public static func == (one: EngineRegisters, other: EngineRegisters) -> Bool {
    one.bytes == other.bytes || one.definedBytes == other.definedBytes
  }

  public func hash(into hasher: inout Hasher) { hasher.combine(definedBytes) }
}
