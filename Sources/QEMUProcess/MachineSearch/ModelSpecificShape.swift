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
  /// Of `pat`, which comes after them.
  let pageAttributes: UInt64
  /// Whether FRED's registers are there; nil if it isn't certain.
  let hasFRED: Bool?

  var timestampAuxiliary: UInt64 { features - 8 }

  /// Where `kernelgsbase` may be, even if it isn't certain: without and with FRED's registers.
  var possibleBases: [UInt64] {
    let without = features - 32
    switch hasFRED {
    case false?: return [without]
    case true?: return [without - Self.sizeOfFRED]
    case nil: return [without, without - Self.sizeOfFRED]
    }
  }

  /// Nine registers.
  private static let sizeOfFRED: UInt64 = 72

  /// The debug registers follow at a distance of less than this: 1816 in 7.2.
  private static let reach: UInt64 = 4096

  /// Looks between `start` and the debug registers at `debug`.
  init?(
    of objects: [ProbedBytes], between start: UInt64, and debug: UInt64, release: QEMURelease?
  ) {
    let first = max(start + 160, debug - min(debug, Self.reach))
    guard first < debug else { return nil }
    let patterns = stride(from: first, to: debug, by: 8).filter { offset in
      objects.allSatisfy { Self.isPageAttributes($0.word(offset)) }
    }
    guard patterns.count == 1, let attributes = patterns.first else { return nil }
    pageAttributes = attributes
    let found = stride(from: first, to: attributes, by: 8).filter { offset in
      objects.allSatisfy { Self.isFeatures($0, at: offset) }
    }
    guard found.count == 1, let features = found.first else { return nil }
    self.features = features
    (kernelGSBase, hasFRED) = Self.kernelGSBase(in: objects, before: features, release)
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
  ) -> (UInt64?, hasFRED: Bool?) {
    let without = features - 32
    let with = without - sizeOfFRED
    let fitsWithout = objects.allSatisfy { isGroup($0, at: without) }
    let fitsWith = objects.allSatisfy { isGroup($0, at: with) }
    if fitsWithout != fitsWith { return fitsWith ? (with, true) : (without, false) }
    guard fitsWith else { return (nil, nil) }
    // Where one reading sees nothing but zeros, the values are where the other sees some.
    let isEmptyWithout = objects.allSatisfy { isZero($0, at: without) }
    let isEmptyWith = objects.allSatisfy { isZero($0, at: with) }
    if isEmptyWithout != isEmptyWith {
      return isEmptyWithout ? (with, true) : (without, false)
    }
    if let release {
      let hasFRED = release >= QEMURelease(major: 9, minor: 1)
      return (hasFRED ? with : without, hasFRED)
    }
    // If both see zeros, zero is what all these registers are.
    return (isEmptyWith ? without : nil, nil)
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
