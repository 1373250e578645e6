import Bytes

/// Where `mxcsr` and `xmm_regs` are. Between `xmm_regs` and the model-specific registers lie only
/// vector registers; how many, depends on the release, and MXCSR shows which it is:
///
///     … sse_status, mxcsr, [padding to 16], xmm_regs[32] of 64 bytes each, …, sysenter_cs
struct VectorShape: Hashable, Sendable {
  /// Of `mxcsr`.
  let control: UInt64
  /// Of `xmm_regs`.
  let registers: UInt64

  /// Bytes from `xmm_regs` to `sysenter_cs`: `xmm_t0`, `mmx_t0` and `opmask_regs` follow the 32
  /// registers; since 7.0 `xtilecfg` and `xtiledata`, too; before, `ymmh_regs`, `zmmh_regs` and
  /// `hi16_zmm_regs`.
  private static let distances: [UInt64] = [10440, 2184, 3976]

  /// Looks from `start` on, where the x87 registers end; `bases` are where `kernelgsbase` may be.
  init?(of objects: [ProbedBytes], from start: UInt64, bases: [UInt64]) {
    var found: Set<VectorShape> = []
    for base in bases {
      for distance in Self.distances where start + distance + 80 <= base {
        let registers = base - 64 - distance
        // They are aligned to 16 bytes, and so is the object.
        guard registers & 15 == 0 else { continue }
        for back: UInt64 in [4, 8, 12, 16]
        where objects.allSatisfy({ Self.isControl($0, at: registers - back, before: registers) }) {
          found.insert(VectorShape(control: registers - back, registers: registers))
        }
      }
    }
    guard found.count == 1, let only = found.first else { return nil }
    self = only
  }

  private init(control: UInt64, registers: UInt64) {
    self.control = control
    self.registers = registers
  }

  /// MXCSR has 16 bits (Intel SDM volume 1, "MXCSR"), not all exceptions are let through, and only
  /// padding follows it.
  private static func isControl(_ object: ProbedBytes, at offset: UInt64, before end: UInt64)
    -> Bool
  {
    guard let control = object.long(offset), control >> 16 == 0, control & 0x1f80 != 0 else {
      return false
    }
    return stride(from: offset + 4, to: end, by: 4).allSatisfy { object.long($0) == 0 }
  }
}
