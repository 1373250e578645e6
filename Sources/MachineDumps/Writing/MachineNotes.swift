internal import Bytes
public import ObjectFiles
public import Targets
internal import Unwinding

/// The notes that say of a machine's CPUs and kernel what memory alone doesn't, as QEMU's
/// `dump-guest-memory` writes them: NT_PRSTATUS of each CPU, then the "QEMU" note of each, then the
/// VMCOREINFO text.
public struct MachineNotes: Sendable {
  /// Whose file the notes go into: a machine whose first CPU isn't in long mode is called i386, and
  /// the notes of its CPUs are 32-bit ones (target/i386/arch_dump.c, `cpu_get_dump_info`).
  public let machine: ELFMachine
  /// The notes one after another.
  public let bytes: [UInt8]
  /// What they can't say.
  public let remarks: [String]

  /// `vmcoreInfo` is the text of the VMCOREINFO note; nil for none.
  public init(_ machine: Machine, vmcoreInfo: [UInt8]?) {
    let isX86 = machine.architecture == .x86_64
    let isLong = machine.cpus.first?.x86.isLongModeActive ?? true
    let type: ELFMachine = !isX86 ? .aarch64 : isLong ? .x86_64 : .i386
    self.machine = type

    var writer = ELFCoreWriter(machine: type)
    let notes = isX86 ? machine.cpus.map(CPUNotes.init) : []
    for cpu in notes {
      writer.addNote(
        owner: "CORE", type: .threadStatus,
        descriptor: isLong ? cpu.status64() : cpu.status32())
    }
    // Readers take these notes' zeros for the CPU's: crash its IDT and CR3. Without a single known
    // control register, as in a kernel's own dump, there is nothing for them to say.
    let saysMore = machine.cpus.contains { $0.x86.cr0 != nil }
    for cpu in saysMore ? notes : [] {
      writer.addNote(
        owner: QEMUCPUNote.owner, type: QEMUCPUNote.type, descriptor: cpu.state().encode())
    }
    if let vmcoreInfo {
      writer.addNote(
        owner: "VMCOREINFO", type: ELFNoteType(rawValue: 0), descriptor: vmcoreInfo)
    }
    bytes = writer.noteBytes
    remarks = Self.remarks(on: machine.cpus, notes, isX86, saysMore: saysMore)
  }

  /// What NT_PRSTATUS has no place for.
  private static let inStateOnly: Set<String> = [
    "cr0", "cr2", "cr3", "cr4", "ldt", "tr", "gdt", "idt",
  ]

  private static func remarks(
    on cpus: [VCPU], _ notes: [CPUNotes], _ isX86: Bool, saysMore: Bool
  ) -> [String] {
    var remarks: [String] = []
    if !isX86, !cpus.isEmpty { remarks.append("no registers are written for this architecture") }
    if isX86, !cpus.isEmpty, !saysMore {
      remarks.append("no control registers are known, so there are no notes of QEMU's kind")
    }
    if isX86, cpus.isEmpty { remarks.append("no CPU is known, so there are no registers") }
    var unknown: [String] = []
    for name in notes.flatMap(\.unknown)
    where !unknown.contains(name) && (saysMore || !inStateOnly.contains(name)) {
      unknown.append(name)
    }
    if !unknown.isEmpty {
      let count = notes.count { !$0.unknown.isEmpty }
      remarks.append(
        "not all registers of \(count) of \(cpus.count) CPUs are known; the notes hold 0 for "
          + unknown.joined(separator: ", "))
    }
    let stale = cpus.count { $0.freshness == .stale }
    if stale > 0 {
      remarks.append("registers of \(stale) of \(cpus.count) CPUs are older than the memory")
    }
    let doubtful = cpus.count { $0.freshness == .unknown }
    if doubtful > 0 {
      remarks.append(
        "whether the registers of \(doubtful) of \(cpus.count) CPUs are current isn't known")
    }
    let torn = cpus.count { $0.freshness == .torn }
    if torn > 0 {
      remarks.append(
        "\(torn) of \(cpus.count) CPUs were executing: RIP and flags may be of an earlier moment")
    }
    return remarks
  }
}
