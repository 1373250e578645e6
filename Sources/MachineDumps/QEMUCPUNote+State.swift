import ObjectFiles
import Targets

extension QEMUCPUNote {
  private static let generalOrder: [X86CPUState.General] = [
    .rax, .rbx, .rcx, .rdx, .rsi, .rdi, .rsp, .rbp, .r8, .r9, .r10, .r11, .r12, .r13, .r14, .r15,
  ]
  private static let segmentOrder: [X86CPUState.SegmentRegister] = [
    .cs, .ds, .es, .fs, .gs, .ss, .ldt, .tr, .gdt, .idt,
  ]

  /// The note of a CPU in that state. What isn't known stands as 0, for which the format has no
  /// other word; without the base of the other GS it is a note of the older form.
  init(_ state: X86CPUState) {
    self.init()
    general =
      Self.generalOrder.map { state[$0] ?? 0 } + [state.rip ?? 0, state.rflags ?? 0]
    segments = Self.segmentOrder.map { register in
      var segment = Segment()
      guard let known = state.segments[register] else { return segment }
      segment.selector = known.selector
      segment.limit = known.limit
      segment.flags = known.flags
      segment.base = known.base
      return segment
    }
    control = [state.cr0 ?? 0, 0, state.cr2 ?? 0, state.cr3 ?? 0, state.cr4 ?? 0]
    kernelGSBase = state[.kernelGSBase]
  }

  /// What a whole note, as `decode` gives it, says of its CPU.
  var state: X86CPUState {
    var state = X86CPUState()
    for (register, value) in zip(Self.generalOrder, general) { state[register] = value }
    state.rip = general[16]
    state.rflags = general[17]
    // No CPU's CR0 is 0 (ET is always set; Intel SDM volume 3, section 2.5): whoever wrote the note
    // didn't know.
    guard control[0] != 0 else { return state }
    for (register, segment) in zip(Self.segmentOrder, segments) {
      state.segments[register] = X86Segment(
        selector: segment.selector, base: segment.base, limit: segment.limit,
        flags: segment.flags)
    }
    state.cr0 = control[0]
    state.cr2 = control[2]
    state.cr3 = control[3]
    state.cr4 = control[4]
    state[.kernelGSBase] = kernelGSBase
    return state
  }
}
