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

  /// The virtual addresses that mean `address`. Throws `.unsupported` where QEMU can't list mappings.
  func virtualAddresses(of address: PhysicalAddress) throws(ReplayError) -> [VirtualAddress] {
    let answer = try instance.say("info tlb")
    var candidates: [VirtualAddress] = []
    if answer.hasPrefix("PG disabled") {
      // Without paging, addresses are physical ones.
      candidates = [VirtualAddress(address.rawValue)]
    } else {
      let lines = answer.utf8.split(separator: UInt8(ascii: ";"))
      let mappings = lines.lazy.compactMap { TLBLine($0) }
      // QEMU has this list for x86 alone.
      guard mappings.first != nil else {
        throw .unsupported("listing mappings: \(answer.prefix(60))")
      }
      // Some pages are mapped at thousands of places.
      candidates = Array(mappings.flatMap { $0.candidates(for: address) }.prefix(1000))
    }
    // The list doesn't tell how large a page is.
    var found: [VirtualAddress] = []
    for candidate in Set(candidates).sorted() {
      if try physicalAddress(of: candidate) == address { found.append(candidate) }
    }
    return found
  }
}

/// A mapping as `info tlb` prints it (QEMU 7.2 target/i386/monitor.c, print_pte):
///
///     ffff888000200000: 0000000000200000 XGP-A---W
struct TLBLine: Hashable {
  let virtual: UInt64
  let physical: UInt64
  /// The flag `P`: a large page, or, of a small one, the bit that is PAT there.
  let mayBeLarge: Bool

  /// Nil for what isn't such a line.
  init?(_ line: Substring.UTF8View) {
    let text = line.drop { $0 == UInt8(ascii: " ") }
    guard let colon = text.firstIndex(of: UInt8(ascii: ":")) else { return nil }
    let rest = text[colon...].dropFirst().drop { $0 == UInt8(ascii: " ") }
    guard let space = rest.firstIndex(of: UInt8(ascii: " ")),
      let virtual = UInt64(Substring(text[..<colon]), radix: 16),
      let physical = UInt64(Substring(rest[..<space]), radix: 16)
    else { return nil }
    self.virtual = virtual
    self.physical = physical
    mayBeLarge = rest[space...].dropFirst(3).first == UInt8(ascii: "P")
  }

  /// Sizes of pages: 4 KiB; large ones of 2 MiB, 4 MiB without PAE, and 1 GiB (Intel SDM, volume 3A,
  /// section 4.5).
  private var sizes: [UInt64] { mayBeLarge ? [1 << 12, 1 << 21, 1 << 22, 1 << 30] : [1 << 12] }

  /// Where `address` is mapped, if this is its mapping and of one of these sizes.
  func candidates(for address: PhysicalAddress) -> [VirtualAddress] {
    guard address.rawValue >= physical else { return [] }
    let offset = address.rawValue - physical
    return sizes.contains { offset < $0 } ? [VirtualAddress(virtual &+ offset)] : []
  }
}
