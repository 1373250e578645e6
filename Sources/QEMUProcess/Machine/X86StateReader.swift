import Bytes
import Symbols
import Targets

/// Reads an x86 CPU's registers out of QEMU's `CPUX86State` (target/i386/cpu.h). What can't be read
/// stays unknown.
struct X86StateReader: StructureReading {
  private(set) var state = X86CPUState()
  var diagnostics: [String] = []
  private let structures: QEMUStructures
  private let environment: TypedAddress
  private let accelerator: CurrentMachine.Accelerator?
  private let isInsideLoop: Bool

  /// - Parameters:
  ///   - environment: the CPUX86State.
  ///   - accelerator: who executes the guest's code; nil if unknown.
  ///   - isInsideLoop: TCG was executing this CPU's code.
  init(
    _ environment: TypedAddress, in structures: QEMUStructures,
    accelerator: CurrentMachine.Accelerator?, isInsideLoop: Bool
  ) {
    self.structures = structures
    self.environment = environment
    self.accelerator = accelerator
    self.isInsideLoop = isInsideLoop
    collect("general registers") { (reader: inout Self) throws(StructureError) in
      try reader.readGeneral()
    }
    collect("flags") { (reader: inout Self) throws(StructureError) in
      reader.state.rflags = try reader.readFlags()
    }
    collect("segments") { (reader: inout Self) throws(StructureError) in
      try reader.readSegments()
    }
    collect("control registers") { (reader: inout Self) throws(StructureError) in
      try reader.readControl()
    }
    collect("debug registers") { (reader: inout Self) throws(StructureError) in
      try reader.readDebug()
    }
    collect("model-specific registers") { (reader: inout Self) throws(StructureError) in
      try reader.readModelSpecific()
    }
    collect("vector registers") { (reader: inout Self) throws(StructureError) in
      try reader.readExtendedState()
    }
  }

  private mutating func readGeneral() throws(StructureError) {
    let registers = try environment.member("regs")
    for register in X86CPUState.General.allCases {
      state[register] = try registers.element(UInt64(register.rawValue)).unsigned()
    }
    state.rip = try environment.member("eip").unsigned()
  }

  /// TCG keeps the condition codes and DF apart while it executes code, and puts them back into
  /// `eflags` when the CPU leaves its loop (target/i386/tcg/tcg-cpu.c, `x86_cpu_exec_exit`).
  private func readFlags() throws(StructureError) -> UInt64? {
    let stored = try environment.member("eflags").unsigned()
    guard isInsideLoop else { return stored }
    let number = try environment.member("cc_op").unsigned()
    guard let operation = try structures.flagOperation(number: number) else { return nil }
    return LazyFlags(
      stored: stored, operation: operation, source: try environment.member("cc_src").unsigned(),
      source2: try environment.member("cc_src2").unsigned(),
      destination: try environment.member("cc_dst").unsigned(),
      direction: Int32(truncatingIfNeeded: try environment.member("df").signed())
    ).value
  }

  private mutating func readSegments() throws(StructureError) {
    let segments = try environment.member("segs")
    for register in X86CPUState.SegmentRegister.allCases {
      let place =
        switch register {
        case .es, .cs, .ss, .ds, .fs, .gs: try segments.element(UInt64(register.rawValue))
        case .ldt: try environment.member("ldt")
        case .tr: try environment.member("tr")
        case .gdt: try environment.member("gdt")
        case .idt: try environment.member("idt")
        }
      state.segments[register] = X86Segment(
        selector: try place.number("selector"), base: try place.member("base").unsigned(),
        limit: try place.number("limit"), flags: try place.number("flags"))
    }
  }

  private mutating func readControl() throws(StructureError) {
    let control = try environment.member("cr")
    state.cr0 = try control.element(0).unsigned()
    state.cr2 = try control.element(2).unsigned()
    state.cr3 = try control.element(3).unsigned()
    state.cr4 = try control.element(4).unsigned()
  }

  private mutating func readDebug() throws(StructureError) {
    let debug = try environment.member("dr")
    for number in [0, 1, 2, 3, 6, 7] {
      state.debug[number] = try debug.element(UInt64(number)).unsigned()
    }
  }

  /// Members of CPUX86State. The time stamp counter isn't among them under TCG, which computes it
  /// from the host's when the guest asks, and the APIC's base is the APIC's.
  static let modelSpecific: [(X86CPUState.ModelSpecific, String)] = [
    (.sysenterCS, "sysenter_cs"), (.sysenterESP, "sysenter_esp"), (.sysenterEIP, "sysenter_eip"),
    (.pat, "pat"), (.efer, "efer"), (.star, "star"), (.lstar, "lstar"), (.cstar, "cstar"),
    (.fmask, "fmask"), (.kernelGSBase, "kernelgsbase"), (.tscAux, "tsc_aux"),
  ]

  private mutating func readModelSpecific() throws(StructureError) {
    for (register, name) in Self.modelSpecific {
      state[register] = try environment.member(name).unsigned()
    }
    if case .hardware = accelerator {
      state[.timestampCounter] = try environment.member("tsc").unsigned()
    }
  }

  /// Adds what the CPU's APIC, an APICCommonState at `address`, knows.
  mutating func readAPIC(at address: VirtualAddress) {
    let structures = structures
    collect("APIC") { (reader: inout Self) throws(StructureError) in
      guard address.rawValue != 0,
        let apic = try structures.structure("APICCommonState", in: "apic.c", at: address)
      else { return }
      reader.state[.apicBase] = try apic.member("apicbase").unsigned()
    }
  }

  private mutating func readExtendedState() throws(StructureError) {
    let file = try environment.member("xmm_regs")
    var vectors: [[UInt8]] = []
    for index in 0..<UInt64(32) { vectors.append(try file.element(index).bytes(count: 64)) }
    let masks = try environment.member("opmask_regs")
    var opmasks: [UInt64] = []
    for index in 0..<UInt64(8) { opmasks.append(try masks.element(index).unsigned()) }
    let area = XSAVEArea(
      x87: try readX87(), mxcsr: try readMXCSR(), vectors: vectors,
      opmasks: opmasks, protectionKeys: try environment.number("pkru"),
      enabled: try environment.member("xcr0").unsigned())
    state.extendedState = area.bytes
  }

  private func readMXCSR() throws(StructureError) -> UInt32 {
    let stored: UInt32 = try environment.number("mxcsr")
    guard accelerator == .tcg else { return stored }
    let flags = try environment.member("sse_status.float_exception_flags")
    guard let size = try flags.byteCount() else { return stored }
    return stored | SSEExceptions.mxcsr(of: try flags.unsigned(), size: size)
  }

  private func readX87() throws(StructureError) -> XSAVEArea.X87 {
    let top = UInt8(truncatingIfNeeded: try environment.member("fpstt").unsigned() & 7)
    let tags = try environment.member("fptags").bytes(count: 8)
    let file = try environment.member("fpregs")
    var registers: [[UInt8]] = []
    for index in 0..<UInt64(8) { registers.append(try file.element(index).bytes(count: 10)) }
    // TCG numbers the registers as the hardware does inside; what QEMU has from KVM is ST0 to ST7
    // (target/i386/xsave_helper.c copies the area's registers as they are).
    if accelerator == .tcg { registers = Array(registers[Int(top)...] + registers[..<Int(top)]) }
    return XSAVEArea.X87(
      control: try environment.number("fpuc"), status: try environment.number("fpus"), top: top,
      isEmpty: tags.map { $0 != 0 }, stack: registers, opcode: try environment.number("fpop"),
      instruction: try environment.member("fpip").unsigned(),
      operand: try environment.member("fpdp").unsigned())
  }
}

extension TypedAddress {
  /// The low bits of the number that the member of that name is.
  fileprivate func number<Number: FixedWidthInteger>(
    _ name: String
  ) throws(StructureError) -> Number {
    Number(truncatingIfNeeded: try member(name).unsigned())
  }
}

extension QEMUStructures {
  /// The operation that this QEMU's `CCOp` gives `number`; nil if it names none.
  fileprivate func flagOperation(number: UInt64) throws(StructureError) -> FlagOperation? {
    do throws(SymbolError) {
      guard
        case .enumeration(let operations) = try symbols.structure(named: "CCOp", file: "cpu.c")?
          .stripped().node()
      else { return nil }
      let name = operations.enumerators.first { $0.value == Int64(bitPattern: number) }?.name
      let names = Set(operations.enumerators.map(\.name))
      return name.flatMap { FlagOperation(named: $0, among: names) }
    } catch {
      throw .symbols(error)
    }
  }
}
