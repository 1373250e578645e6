import Bytes

/// Where model-specific registers are kept (`CPUX86State`). Their order is the same in all releases,
/// but 9.1 and later have the nine registers of FRED among them:
///
///     -64  sysenter_cs u32, sysenter_esp, sysenter_eip, star, vm_hsave, lstar, cstar, fmask
///       0  kernelgsbase
///          [fred_rsp0…3, fred_stklvls, fred_ssp1…3, fred_config]
///          tsc_adjust, tsc_deadline, tsc_aux, xcr0, mcg_status, msr_ia32_misc_enable
struct ModelSpecificShape: Hashable, Sendable {
  /// Of `xcr0`.
  let features: UInt64
  /// Of `kernelgsbase`; nil if it isn't certain.
  let kernelGSBase: UInt64?
  /// Of `pat`; nil if it isn't certain.
  let pageAttributes: UInt64?

  var timestampAuxiliary: UInt64 { features - 8 }

  init?(of objects: [ProbedBytes], from start: UInt64, release: QEMURelease?) {
    guard let count = objects.map(\.count).min(), count > start + 256 else { return nil }
    let found = stride(from: start + 160, to: count - 32, by: 8).filter { offset in
      objects.allSatisfy { Self.isFeatures($0, at: offset) }
    }
    guard found.count == 1 else { return nil }
    features = found[0]
    kernelGSBase = Self.kernelGSBase(in: objects, before: found[0], release)
    let patterns = stride(from: features + 24, through: features + 1024, by: 8).filter { offset in
      objects.allSatisfy { Self.isPageAttributes($0.word(offset)) }
    }
    pageAttributes = patterns.count == 1 ? patterns[0] : nil
  }

  /// XCR0 always has bit 0, IA32_MISC_ENABLE in QEMU too.
  private static func isFeatures(_ object: ProbedBytes, at offset: UInt64) -> Bool {
    guard let features = object.word(offset), features & 1 != 0, features < 1 << 20,
      let status = object.word(offset + 8), status < 16,
      let enabled = object.word(offset + 16), enabled & 1 != 0, enabled < 1 << 39,
      let auxiliary = object.word(offset - 8), auxiliary >> 32 == 0
    else { return false }
    return true
  }

  private static func kernelGSBase(
    in objects: [ProbedBytes], before features: UInt64, _ release: QEMURelease?
  ) -> UInt64? {
    let without = features - 32
    let with = without - 72
    let isWithout = objects.allSatisfy { isGroup($0, at: without) }
    let isWith = objects.allSatisfy { isGroup($0, at: with) }
    guard isWithout != isWith else {
      guard isWith else { return nil }
      // Both fit only if one is all zeros: the other has the values, or there are none.
      let isEmptyWithout = objects.allSatisfy { isZero($0, at: without) }
      let isEmptyWith = objects.allSatisfy { isZero($0, at: with) }
      if isEmptyWithout || isEmptyWith { return isEmptyWithout ? with : without }
      return release.map { $0 >= QEMURelease(major: 9, minor: 1) ? with : without }
    }
    return isWith ? with : without
  }

  private static func isCanonical(_ word: UInt64) -> Bool {
    // 57 bits are the most that addresses have.
    let top = Int64(bitPattern: word) >> 56
    return top == 0 || top == -1
  }

  private static func isGroup(_ object: ProbedBytes, at base: UInt64) -> Bool {
    guard let selector = object.word(base - 64), selector >> 32 == 0,
      let mask = object.word(base - 8), mask >> 32 == 0,
      let save = object.word(base - 32), save & 0xfff == 0
    else { return false }
    return [UInt64(56), 48, 24, 16, 0].allSatisfy {
      object.word(base - $0).map(isCanonical) ?? false
    }
  }

  private static func isZero(_ object: ProbedBytes, at base: UInt64) -> Bool {
    stride(from: base - 64, through: base, by: 8).allSatisfy { object.word($0) == 0 }
  }

  /// Eight memory types (Intel SDM volume 3, "Page attribute table"), the first write-back.
  private static func isPageAttributes(_ word: UInt64?) -> Bool {
    guard let word, word & 0xff == 6, word >> 32 != 0 else { return false }
    return (0..<8).allSatisfy { [0, 1, 4, 5, 6, 7].contains(word >> ($0 * 8) & 0xff) }
  }
}
