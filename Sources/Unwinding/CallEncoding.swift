public import Bytes

extension Architecture {
  /// How call instructions look: what has to stand before a return address.
  public enum CallEncoding: Sendable {
    case x86, arm
  }

  /// Bytes before a return address that tell whether a call is there: the longest call's length.
  static let callLookbehind: UInt64 = 8

  /// Whether the instruction before `address` is a call; nil if its bytes can't be read.
  @usableFromInline
  func isAfterCall<M: Memory>(_ address: VirtualAddress, memory: M) -> Bool? {
    guard address.rawValue >= Self.callLookbehind else { return false }
    do throws(MemoryFault) {
      let code = try memory.read(address &- Self.callLookbehind, count: Self.callLookbehind)
      return callEncoding.endsWithCall(code)
    } catch {
      // Whether that makes the address less plausible is the caller's decision.
      return nil
    }
  }
}

extension Architecture.CallEncoding {
  /// Whether the last instruction of `code` can be a call. On x86-64, whose instructions can't be
  /// read backwards, other bytes can look like one.
  func endsWithCall(_ code: ByteView) -> Bool {
    switch self {
    case .x86: endsWithX86Call(code)
    case .arm: endsWithARMCall(code)
    }
  }

  ///     e8 rel32                                  call
  ///     ff modrm [sib] [disp8, disp32], reg = 2   call through a register or memory
  ///
  /// (Intel SDM volume 2, CALL, and tables 2-2 and 2-3.) Prefixes come before and don't matter.
  private func endsWithX86Call(_ code: ByteView) -> Bool {
    let bytes = code.bytes
    let count = bytes.byteCount
    if count >= 5, bytes[count - 5] == 0xe8 { return true }
    for length in 2...7 where count >= length && bytes[count - length] == 0xff {
      let modrm = bytes[count - length + 1]
      guard modrm >> 3 & 7 == 2 else { continue }
      let sib = length > 2 ? bytes[count - length + 2] : nil
      if length == Self.indirectCallLength(modrm, sib) { return true }
    }
    return false
  }

  /// Bytes of `ff` with that ModRM byte; `sib` is what follows it.
  private static func indirectCallLength(_ modrm: UInt8, _ sib: UInt8?) -> Int {
    let hasSIB = modrm & 7 == 4
    return switch modrm >> 6 {
    case 3: 2
    case 2: hasSIB ? 7 : 6
    case 1: hasSIB ? 4 : 3
    default:
      if hasSIB { sib.map { $0 & 7 == 5 } == true ? 7 : 3 } else { modrm & 7 == 5 ? 6 : 2 }
    }
  }

  /// `bl`, `blr` and its authenticating forms (Arm ARM, section C4.1.66).
  private func endsWithARMCall(_ code: ByteView) -> Bool {
    let bytes = code.bytes
    guard bytes.byteCount >= 4 else { return false }
    let start = bytes.byteCount - 4
    let word = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << UInt32(8 * $1) }
    return word & 0xfc00_0000 == 0x9400_0000 || word & 0xfeff_f000 == 0xd63f_0000
  }
}
