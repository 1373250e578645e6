import Bytes

/// Where model-specific registers are kept (`CPUX86State`). Their order is the same in all releases,
/// but some have others among them: one more in 5.2, those of FRED since 9.1, of CET in 11:
///
///     -64  sysenter_cs u32, sysenter_esp, sysenter_eip, star, vm_hsave, lstar, cstar, fmask
///       0  kernelgsbase
///          [others]
///          tsc_adjust, tsc_deadline, tsc_aux, xcr0, mcg_status, msr_ia32_misc_enable
struct ModelSpecificShape: Hashable, Sendable {
  /// Of `xcr0`.
  let features: UInt64
  /// Of `pat`, which comes after them.
  let pageAttributes: UInt64
  /// How many bytes of others lie between `kernelgsbase` and `tsc_adjust`; nil if it isn't certain.
  let others: UInt64?
  /// Whether all the registers up to `kernelgsbase` are 0 in all CPUs, wherever they are.
  let isUnused: Bool

  var timestampAuxiliary: UInt64 { features - 8 }
  /// Of `kernelgsbase`.
  var kernelGSBase: UInt64? { others.map { features - 32 - $0 } }

  /// Where `kernelgsbase` may be, even if it isn't certain.
  var possibleBases: [UInt64] {
    (others.map { [$0] } ?? Self.knownOthers).map { features - 32 - $0 }
  }

  /// None (7.2), one (5.2), FRED's nine (10.0), and those of 11.1.
  private static let knownOthers: [UInt64] = [0, 8, 72, 136]
  /// More others than this aren't looked for, in bytes.
  private static let mostOthers: UInt64 = 512

  /// The debug registers follow at a distance of less than this: 1816 in 7.2.
  private static let reach: UInt64 = 4096

  /// Looks between `start` and the debug registers at `debug`.
  init?(
    of objects: [ProbedBytes], between start: UInt64, and debug: UInt64, release: QEMURelease?
  ) {
    // Before them come kilobytes of vector registers.
    let first = max(start + 1024, debug - min(debug, Self.reach))
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
    let used = objects.filter { !Self.isUnused($0, before: features) }
    isUnused = used.isEmpty
    others = Self.others(in: used, before: features, release)
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

  private static func isUnused(_ object: ProbedBytes, before features: UInt64) -> Bool {
    stride(from: features - 96 - mostOthers, to: features - 24, by: 8).allSatisfy {
      object.word($0) == 0
    }
  }

  /// Where the system-call registers are if a 64-bit kernel has set them, else what is known of the
  /// release. `objects` are the CPUs that have set any.
  private static func others(
    in objects: [ProbedBytes], before features: UInt64, _ release: QEMURelease?
  ) -> UInt64? {
    let found = stride(from: UInt64(0), through: mostOthers, by: 8).filter { others in
      objects.allSatisfy { isGroup($0, at: features - 32 - others) }
    }
    if !objects.isEmpty, found.count == 1 { return found[0] }
    guard let release else { return nil }
    switch release {
    case ...QEMURelease(major: 5, minor: 2): return 8
    case QEMURelease(major: 7, minor: 2)..<QEMURelease(major: 9, minor: 1): return 0
    case QEMURelease(major: 9, minor: 1)...QEMURelease(major: 10, minor: 1): return 72
    default: return nil
    }
  }

  private static func isCanonical(_ word: UInt64) -> Bool {
    // 57 bits are the most that addresses have.
    let top = Int64(bitPattern: word) >> 56
    return top == 0 || top == -1
  }

  /// Whether `kernelgsbase` may be at `base`, and STAR, LSTAR and FMASK before it are in use.
  private static func isGroup(_ object: ProbedBytes, at base: UInt64) -> Bool {
    guard let selector = object.word(base - 64), selector >> 32 == 0,
      let mask = object.word(base - 8), mask >> 32 == 0, mask != 0,
      let save = object.word(base - 32), save & 0xfff == 0,
      let selectors = object.word(base - 40), selectors != 0,
      let entry = object.word(base - 24), entry != 0
    else { return false }
    return [UInt64(56), 48, 24, 16, 0].allSatisfy {
      object.word(base - $0).map(isCanonical) ?? false
    }
  }

  /// Eight memory types (Intel SDM volume 3, "Page attribute table"), the first write-back.
  private static func isPageAttributes(_ word: UInt64?) -> Bool {
    guard let word, word & 0xff == 6, word >> 32 != 0 else { return false }
    return (0..<8).allSatisfy { [0, 1, 4, 5, 6, 7].contains(word >> ($0 * 8) & 0xff) }
  }
}
