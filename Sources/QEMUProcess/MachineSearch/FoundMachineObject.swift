import Bytes

/// What QEMU's object of the machine tells (`current_machine`, a variable): its QOM type is the
/// machine's name.
struct FoundMachineObject: Hashable, Sendable {
  /// Of the object.
  let address: UInt64
  /// `pc-i440fx-7.2`
  let name: String
  let accelerator: Accelerator?

  private static let suffix = "-machine"
  /// `MachineState` is some 400 bytes long; its `accelerator` is among the first members.
  private static let size: UInt64 = 512

  init?(_ pointers: GlobalPointers, _ probe: Probe) {
    for pointer in pointers.pointers {
      guard let type = probe.objectType(at: pointer.target), type.hasSuffix(Self.suffix),
        type.utf8.count > Self.suffix.utf8.count
      else { continue }
      address = pointer.target
      name = String(type.dropLast(Self.suffix.count))
      let bytes = probe.bytes(at: address, upTo: Self.size)
      accelerator =
        stride(from: UInt64(40), to: Self.size, by: 8).lazy.compactMap { offset in
          bytes.word(offset).flatMap { probe.objectType(at: $0) }
        }.compactMap(Self.accelerator).first
      return
    }
    return nil
  }

  private static func accelerator(_ type: String) -> Accelerator? {
    switch type {
    case "tcg-accel": .tcg
    case "kvm-accel": .kvm
    default: nil
    }
  }
}
