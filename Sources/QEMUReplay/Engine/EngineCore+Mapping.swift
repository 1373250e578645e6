internal import Bytes

extension EngineCore {
  /// Nil if `address` is mapped nowhere.
  func physicalAddress(of address: VirtualAddress) throws(ReplayError) -> PhysicalAddress? {
    // Answers "gpa: 0x1234", 0 without the 0x, or "Unmapped" (QEMU 7.2 monitor/misc.c).
    let answer = try instance.say("gva2gpa 0x\(String(address.rawValue, radix: 16))")
    if answer.hasPrefix("Unmapped") { return nil }
    let digits = answer.split(separator: " ").last ?? ""
    guard answer.hasPrefix("gpa: "),
      let value = UInt64(digits.hasPrefix("0x") ? digits.dropFirst(2) : digits, radix: 16)
    else { throw .stub("“\(answer.prefix(40))” tells no physical address") }
    return PhysicalAddress(value)
  }
}
