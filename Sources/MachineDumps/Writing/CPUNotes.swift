internal import Bytes
internal import ObjectFiles
internal import Targets

/// The notes of one x86 CPU. What isn't known of its state is 0 in them, for notes have no way to
/// say so.
struct CPUNotes {
  /// The CPU's number plus 1 stands for a process id, as QEMU has it.
  let number: Int32
  private let cpu: X86CPUState
  /// The registers that the notes have and that aren't known.
  let unknown: [String]

  init(_ vcpu: VCPU) {
    number = Int32(clamping: vcpu.index) &+ 1
    cpu = vcpu.x86
    var unknown: [String] = []
    for register in X86CPUState.General.allCases where vcpu.x86[register] == nil {
      unknown.append("\(register)")
    }
    let named = [
      ("rip", vcpu.x86.rip), ("rflags", vcpu.x86.rflags), ("cr0", vcpu.x86.cr0),
      ("cr2", vcpu.x86.cr2), ("cr3", vcpu.x86.cr3), ("cr4", vcpu.x86.cr4),
    ]
    unknown += named.filter { $0.1 == nil }.map(\.0)
    for register in X86CPUState.SegmentRegister.allCases
    where vcpu.x86.segments[register] == nil {
      unknown.append("\(register)")
    }
    self.unknown = unknown
  }

  private func general(_ register: X86CPUState.General) -> UInt64 { cpu[register] ?? 0 }

  private func low(_ register: X86CPUState.General) -> UInt32 {
    UInt32(truncatingIfNeeded: general(register))
  }

  private func selector(_ register: X86CPUState.SegmentRegister) -> UInt32 {
    cpu.segments[register]?.selector ?? 0
  }

  private func selector16(_ register: X86CPUState.SegmentRegister) -> UInt16 {
    UInt16(truncatingIfNeeded: selector(register))
  }

  private func base(_ register: X86CPUState.SegmentRegister) -> UInt64 {
    cpu.segments[register]?.base ?? 0
  }

  /// The descriptor of NT_PRSTATUS for x86-64.
  func status64() -> [UInt8] {
    let values = X86UserRegister.allCases.map(value)
    guard let registers = CoreRegisters(machine: .x86_64, values: values) else { return [] }
    return CoreThreadStatus(threadID: number).encode(with: registers)
  }

  private func value(_ register: X86UserRegister) -> UInt64 {
    switch register {
    case .r15: general(.r15)
    case .r14: general(.r14)
    case .r13: general(.r13)
    case .r12: general(.r12)
    case .rbp: general(.rbp)
    case .rbx: general(.rbx)
    case .r11: general(.r11)
    case .r10: general(.r10)
    case .r9: general(.r9)
    case .r8: general(.r8)
    case .rax: general(.rax)
    case .rcx: general(.rcx)
    case .rdx: general(.rdx)
    case .rsi: general(.rsi)
    case .rdi: general(.rdi)
    case .originalRAX: 0
    case .rip: cpu.rip ?? 0
    case .cs: UInt64(selector(.cs))
    case .rflags: cpu.rflags ?? 0
    case .rsp: general(.rsp)
    case .ss: UInt64(selector(.ss))
    case .fsBase: base(.fs)
    case .gsBase: base(.gs)
    case .ds: UInt64(selector(.ds))
    case .es: UInt64(selector(.es))
    case .fs: UInt64(selector(.fs))
    case .gs: UInt64(selector(.gs))
    }
  }

  /// The descriptor of NT_PRSTATUS for i386.
  func status32() -> [UInt8] {
    var status = I386ThreadStatus(threadID: UInt32(bitPattern: number))
    status.general = [
      low(.rbx), low(.rcx), low(.rdx), low(.rsi), low(.rdi), low(.rbp), low(.rax),
    ]
    status.dataSegments = [
      selector16(.ds), selector16(.es), selector16(.fs), selector16(.gs),
    ]
    status.eip = UInt32(truncatingIfNeeded: cpu.rip ?? 0)
    status.cs = selector16(.cs)
    status.eflags = UInt32(truncatingIfNeeded: cpu.rflags ?? 0)
    status.esp = low(.rsp)
    status.ss = selector16(.ss)
    return status.encode()
  }

  /// The "QEMU" note; in its older form if the base of the other GS isn't known.
  func state() -> QEMUCPUNote { QEMUCPUNote(cpu) }
}
