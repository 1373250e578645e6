/// The registers of a thread, each known or unknown, in the layout of a `g` packet.
public struct RegisterValues: Sendable {
  public let description: TargetDescription
  private var bytes: [UInt8]
  private var known: [Bool]

  /// All unknown.
  public init(_ description: TargetDescription) {
    self.description = description
    bytes = [UInt8](repeating: 0, count: description.size)
    known = [Bool](repeating: false, count: description.registers.count)
  }

  /// The contents of a `g` packet; registers beyond its end are unknown.
  public init(_ description: TargetDescription, packet: [UInt8]) {
    self.init(description)
    for number in known.indices where description.offsets[number + 1] <= packet.count {
      let range = description.offsets[number]..<description.offsets[number + 1]
      bytes.replaceSubrange(range, with: packet[range])
      known[number] = true
    }
  }

  /// The bytes of register `number` in target order; nil if it is unknown or there is none. Bytes of
  /// another count than the register's aren't taken.
  public subscript(number: Int) -> [UInt8]? {
    get {
      guard known.indices.contains(number), known[number] else { return nil }
      return Array(bytes[description.offsets[number]..<description.offsets[number + 1]])
    }
    set {
      guard known.indices.contains(number) else { return }
      let range = description.offsets[number]..<description.offsets[number + 1]
      guard let newValue else {
        known[number] = false
        return bytes.replaceSubrange(range, with: repeatElement(0, count: range.count))
      }
      guard newValue.count == range.count else { return }
      bytes.replaceSubrange(range, with: newValue)
      known[number] = true
    }
  }

  /// The register called `name` as a little-endian number; nil if it is unknown, longer than 64 bits
  /// or there is none. Set, it is cut to the register's size.
  public subscript(name: String) -> UInt64? {
    get { description.number(of: name).flatMap { value(of: $0) } }
    set {
      guard let number = description.number(of: name) else { return }
      self[number] = newValue.map { value in
        (0..<description.registers[number].size).map { index in
          index < 8 ? UInt8(truncatingIfNeeded: value >> UInt64(8 * index)) : 0
        }
      }
    }
  }

  /// Register `number` as a little-endian number; nil if it is unknown, longer than 64 bits or there
  /// is none.
  public func value(of number: Int) -> UInt64? {
    guard let bytes = self[number], bytes.count <= 8 else { return nil }
    return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}

extension RegisterValues: Equatable {
  public static func == (left: RegisterValues, right: RegisterValues) -> Bool {
    left.known == right.known && left.bytes == right.bytes
      && left.description.registers == right.description.registers
  }
}
