import Bytes

/// Where the members of `CPUX86State` are within a CPU's object, worked out from the CPUs
/// themselves (target/i386/cpu.h). What stands close together has kept its order in all releases;
/// the distances between such groups have not (those given are 7.2's, from `regs`):
///
///        0  regs[16]   rax rcx rdx rbx rsp rbp rsi rdi r8…r15
///      128  eip, eflags, cc_dst, cc_src, cc_src2
///      168  cc_op, df, hflags, hflags2               32 bits each
///      184  segs[6], ldt, tr, gdt, idt               { u32 selector; u64 base; u32 limit, flags }
///      424  cr[5]
///      600  efer
///      608  fpstt  u32, fpus  u16, fpuc  u16, fptags[8], fpregs[8]
struct CPUStateShape: Hashable, Sendable {
  /// Of `regs`.
  let general: UInt64
  /// Of `segs`.
  let segments: UInt64
  /// Of `efer`; nil if it isn't certain.
  let extendedFeatures: UInt64?
  /// Of `fpstt`; nil if it isn't certain.
  let floatingPoint: UInt64?
  /// Of the other model-specific registers; nil if they aren't certain.
  let modelSpecific: ModelSpecificShape?
  /// Of `dr`; nil if it isn't certain.
  let debug: UInt64?
  /// Of `mxcsr` and `xmm_regs`; nil if they aren't certain.
  let vectors: VectorShape?

  var instructionPointer: UInt64 { segments - 56 }
  var flags: UInt64 { segments - 48 }
  var conditionCodes: UInt64 { segments - 40 }
  var control: UInt64 { segments + 240 }

  /// A CPU's object is 20 KiB long in 7.2; others have larger tables before the state.
  static let objectSize: UInt64 = 128 << 10

  /// The debug registers are within this distance of the segments: some 13000 bytes in 7.2.
  private static let debugReach: UInt64 = 16 << 10

  /// The arrangement under which all `objects` are CPUs, looked for from `start` on; nil if there is
  /// none. Should there be several the first one counts, since a neighbour in memory may be a CPU,
  /// too.
  init?(of objects: [ProbedBytes], from start: UInt64, release: QEMURelease?) {
    guard let count = objects.map(\.count).min(), count > start + 1024 else { return nil }
    // 256 bytes for the general registers and what follows them.
    let found = stride(from: start + 256, through: count - 280, by: 8).first { offset in
      objects.allSatisfy { Self.isState($0, segments: offset) }
    }
    guard let found else { return nil }
    self.init(of: objects, segments: found, release: release)
  }

  private init(of objects: [ProbedBytes], segments: UInt64, release: QEMURelease?) {
    self.segments = segments
    general = Self.general(in: objects, segments: segments)
    floatingPoint = Self.floatingPoint(in: objects, segments: segments)
    extendedFeatures = floatingPoint.map { $0 - 8 }
    let next = floatingPoint.map { $0 + 144 } ?? segments + 280
    let debug = Self.debug(in: objects, from: next)
    self.debug = debug
    modelSpecific = debug.flatMap {
      ModelSpecificShape(of: objects, between: next, and: $0, release: release)
    }
    vectors = modelSpecific.flatMap {
      VectorShape(of: objects, from: next, bases: $0.possibleBases)
    }
  }

  /// The bits of CR0 that exist.
  private static let cr0Bits: UInt64 = 0xe005_003f

  private static func isState(_ bytes: ProbedBytes, segments: UInt64) -> Bool {
    // The rarest first: CR1 doesn't exist, and CR0's ET is always set.
    guard let cr0 = bytes.word(segments + 240), cr0 & ~cr0Bits == 0, cr0 & 1 << 4 != 0,
      bytes.word(segments + 248) == 0,
      let direction = bytes.long(segments - 12), direction == 1 || direction == .max,
      let hidden = bytes.long(segments - 8), let operation = bytes.long(segments - 16),
      operation < 64
    else { return false }
    // Protected mode, in CR0 and in the flags that QEMU derives from it (`HF_PE_SHIFT`).
    guard cr0 & 1 == UInt64(hidden >> 7 & 1), cr0 & 1 << 31 == 0 || cr0 & 1 != 0,
      let cr3 = bytes.word(segments + 264), cr3 < 1 << 52,
      let cr4 = bytes.word(segments + 272), cr4 < 1 << 33
    else { return false }
    // 64-bit code, in the code segment's L and in those flags (`HF_LMA_SHIFT`, `HF_CS64_SHIFT`).
    guard let code = bytes.long(segments + 44),
      hidden >> 15 & 1 == code >> 21 & hidden >> 14 & 1
    else { return false }
    return (UInt64(0)..<10).allSatisfy { index in
      guard let selector = bytes.long(segments + index * 24) else { return false }
      return selector <= 0xffff
    }
  }

  /// 16 registers before `eip`. If all are 0 in all CPUs they are the second half of 32 that a
  /// guest without APX can't use.
  private static func general(in objects: [ProbedBytes], segments: UInt64) -> UInt64 {
    let near = segments - 56 - 128
    func isZero(_ start: UInt64) -> Bool {
      objects.allSatisfy { object in
        stride(from: start, to: start + 128, by: 8).allSatisfy { object.word($0) == 0 }
      }
    }
    return isZero(near) && !isZero(near - 128) ? near - 128 : near
  }

  /// `fpstt`: the x87 control word and tags have few possible values, and EFER before them agrees
  /// with what QEMU derived from it (`HF_LMA_SHIFT`).
  private static func floatingPoint(in objects: [ProbedBytes], segments: UInt64) -> UInt64? {
    let found = stride(from: segments + 280, through: segments + 800, by: 8).filter { offset in
      objects.allSatisfy { object in
        guard let efer = object.word(offset - 8), efer & ~0x3f_fd01 == 0,
          let hidden = object.long(segments - 8), efer >> 10 & 1 == UInt64(hidden >> 14 & 1),
          let top = object.long(offset), top < 8,
          let control = object.short(offset + 6), control & 0xe0c0 == 0x40
        else { return false }
        return (UInt64(8)..<16).allSatisfy { object.byte(offset + $0).map { $0 <= 1 } ?? false }
      }
    }
    return found.count == 1 ? found[0] : nil
  }

  /// `dr`: DR6 and DR7 have bits that are always set (Intel SDM volume 3, "Debug registers"), DR4
  /// and DR5 don't exist.
  private static func debug(in objects: [ProbedBytes], from start: UInt64) -> UInt64? {
    guard let count = objects.map(\.count).min(), count > start + 64 else { return nil }
    let end = min(count - 64, start + debugReach)
    let found = stride(from: start, through: end, by: 8).filter { offset in
      objects.allSatisfy { object in
        guard object.word(offset + 32) == 0, object.word(offset + 40) == 0,
          let status = object.word(offset + 48), status & ~0xe00f == 0xffff_0ff0,
          let control = object.word(offset + 56), control >> 32 == 0, control & 1 << 10 != 0
        else { return false }
        return true
      }
    }
    return found.count == 1 ? found[0] : nil
  }
}
