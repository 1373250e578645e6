import Bytes
import Targets

/// Reads a CPU's registers under a shape.
struct CPUStateReader: Sendable {
  let shape: CPUStateShape
  let accelerator: Accelerator?
  /// How the flag operations may be numbered.
  let numberings: [FlagOperation.Numbering]

  /// The registers in `object`. What isn't certain is left out.
  func state(of object: ProbedBytes) -> X86CPUState {
    var state = X86CPUState()
    for register in X86CPUState.General.allCases {
      state[register] = object.word(shape.general + UInt64(register.rawValue) * 8)
    }
    state.rip = object.word(shape.instructionPointer)
    state.rflags = flags(of: object)
    for (index, register) in X86CPUState.SegmentRegister.allCases.enumerated() {
      state.segments[register] = segment(at: shape.segments + UInt64(index) * 24, of: object)
    }
    state.cr0 = object.word(shape.control)
    state.cr2 = object.word(shape.control + 16)
    state.cr3 = object.word(shape.control + 24)
    state.cr4 = object.word(shape.control + 32)
    if let debug = shape.debug {
      for number in [0, 1, 2, 3, 6, 7] {
        state.debug[number] = object.word(debug + UInt64(number) * 8)
      }
    }
    if let offset = shape.extendedFeatures { state[.efer] = object.word(offset) }
    readModelSpecific(of: object, into: &state)
    state.extendedState = floatingPointImage(of: object)
    return state
  }

  private func segment(at offset: UInt64, of object: ProbedBytes) -> X86Segment? {
    guard let selector = object.long(offset), let base = object.word(offset + 8),
      let limit = object.long(offset + 16), let flags = object.long(offset + 20)
    else { return nil }
    return X86Segment(selector: selector, base: base, limit: limit, flags: flags)
  }

  private func flags(of object: ProbedBytes) -> UInt64? {
    guard let stored = object.word(shape.flags) else { return nil }
    switch accelerator {
    case .kvm: return stored
    case .tcg:
      let values = Set(numberings.map { lazyFlags(of: object, stored: stored, $0) })
      // One answer, whichever way the operations are numbered.
      return values.count == 1 ? values.first ?? nil : nil
    case nil: return nil
    }
  }

  private func lazyFlags(
    of object: ProbedBytes, stored: UInt64, _ numbering: FlagOperation.Numbering
  ) -> UInt64? {
    guard let number = object.long(shape.conditionCodes + 24),
      let operation = FlagOperation(number: number, numbering),
      let destination = object.word(shape.conditionCodes),
      let source = object.word(shape.conditionCodes + 8),
      let source2 = object.word(shape.conditionCodes + 16),
      let direction = object.long(shape.conditionCodes + 28)
    else { return nil }
    return LazyFlags(
      stored: stored, operation: operation, source: source, source2: source2,
      destination: destination, direction: Int32(bitPattern: direction)
    ).value
  }

  private func readModelSpecific(of object: ProbedBytes, into state: inout X86CPUState) {
    guard let shape = shape.modelSpecific else { return }
    state[.tscAux] = object.word(shape.timestampAuxiliary)
    state[.pat] = object.word(shape.pageAttributes)
    guard let base = shape.kernelGSBase else {
      // Wherever they are, they are 0.
      if shape.isUnused { for register in Self.systemCalls { state[register] = 0 } }
      return
    }
    state[.kernelGSBase] = object.word(base)
    state[.fmask] = object.word(base - 8)
    state[.cstar] = object.word(base - 16)
    state[.lstar] = object.word(base - 24)
    state[.star] = object.word(base - 40)
    state[.sysenterEIP] = object.word(base - 48)
    state[.sysenterESP] = object.word(base - 56)
    state[.sysenterCS] = object.long(base - 64).map { UInt64($0) }
  }

  private static let systemCalls: [X86CPUState.ModelSpecific] = [
    .sysenterCS, .sysenterESP, .sysenterEIP, .star, .lstar, .cstar, .fmask, .kernelGSBase,
  ]

  /// The 512 bytes that FXSAVE would write (Intel SDM volume 1, "FXSAVE area"); nil unless all of
  /// its parts are known:
  ///
  ///       0  FCW u16, FSW u16, abridged FTW u8, 0, FOP u16, FIP u64
  ///      16  FDP u64, MXCSR u32, MXCSR_MASK u32
  ///      32  ST0…ST7, 16 bytes each
  ///     160  XMM0…XMM15
  private func floatingPointImage(of object: ProbedBytes) -> [UInt8]? {
    guard let start = shape.floatingPoint, let vectors = shape.vectors,
      let top = object.long(start), let status = object.short(start + 4),
      let control = object.short(start + 6), let mxcsr = object.long(vectors.control)
    else { return nil }
    // The registers are aligned to 16 bytes, and so is the object.
    let registers = (start + 16 + 15) & ~15
    var tags: UInt8 = 0
    for index in 0..<8 where object.byte(start + 8 + UInt64(index)) == 0 { tags |= 1 << index }
    var image: [UInt8] = []
    func append(_ count: UInt64, at offset: UInt64) {
      image += object.view.clampedSubview(at: offset, count: count).copy()
    }
    image += littleEndian(control)
    // TOP is kept apart.
    image += littleEndian(status & ~0x3800 | UInt16(top & 7) << 11)
    image += [tags, 0]
    append(2, at: registers + 128)
    append(16, at: registers + 136)
    image += littleEndian(mxcsr)
    image += littleEndian(UInt32(0xffff))
    // TCG numbers the registers as the hardware does inside; what QEMU has from KVM is ST0 to ST7.
    let first = accelerator == .kvm ? 0 : Int(top)
    for index in 0..<8 {
      append(10, at: registers + UInt64((first + index) & 7) * 16)
      image += [UInt8](repeating: 0, count: 6)
    }
    for index in 0..<16 { append(16, at: vectors.registers + UInt64(index) * 64) }
    guard image.count == 416 else { return nil }
    return image + [UInt8](repeating: 0, count: 96)
  }

  private func littleEndian(_ number: some FixedWidthInteger) -> [UInt8] {
    (0..<number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
  }
}

/// What runs the guest's instructions.
public enum Accelerator: String, Hashable, Sendable {
  case tcg
  case kvm
}
