import Bytes
import ObjectFiles
import Targets

/// What the notes of a machine's dump say, whatever container they came in.
struct DumpNotes {
  private(set) var cpus: [VCPU] = []
  /// The VMCOREINFO text.
  private(set) var vmcoreInfo: ByteView?
  private(set) var diagnostics: [String] = []

  /// As many CPUs as a Linux kernel can be built for (arch/x86/Kconfig, `NR_CPUS_RANGE_END`).
  private static let cpuLimit = 8192

  init(_ notes: [ELFNote], machine: ELFMachine) {
    vmcoreInfo = notes.first { $0.owner == "VMCOREINFO" && !$0.descriptor.isEmpty }?.descriptor
    guard machine == .x86_64 || machine == .i386 else {
      diagnostics.append("registers of \(machine) CPUs aren't read")
      return
    }
    readCPUs(notes)
  }

  /// QEMU writes all NT_PRSTATUS notes, then as many "QEMU" notes, both in the CPUs' order; a kernel
  /// writes only the former.
  private mutating func readCPUs(_ notes: [ELFNote]) {
    let statuses = notes.filter { $0.is(.threadStatus, of: "CORE") }
    let states = notes.filter { $0.owner == "QEMU" }
    if !states.isEmpty, !statuses.isEmpty, states.count != statuses.count {
      diagnostics.append(
        "\(statuses.count) CPUs have NT_PRSTATUS notes, \(states.count) have QEMU's own")
    }
    let count = max(statuses.count, states.count)
    if count > Self.cpuLimit {
      diagnostics.append("notes of \(count) CPUs; only \(Self.cpuLimit) are read")
    }
    for index in 0..<min(count, Self.cpuLimit) {
      if index < states.count, let state = state(states[index], Self.decode) {
        add(index, state, "registers: the QEMU note", states[index])
      } else if index < statuses.count {
        let decoded = state(statuses[index]) { _ throws(ByteError) in
          try StatusNote.decode(statuses[index])
        }
        add(index, decoded ?? X86CPUState(), "registers: the NT_PRSTATUS note", statuses[index])
      } else {
        add(index, X86CPUState(), "registers: none, the QEMU note is of no use", states[index])
      }
    }
  }

  private static func decode(_ descriptor: ByteView) throws(ByteError) -> X86CPUState? {
    try QEMUCPUNote.decode(descriptor)?.state
  }

  private mutating func add(_ index: Int, _ state: X86CPUState, _ source: String, _ note: ELFNote) {
    cpus.append(
      VCPU(
        index: index, x86: state, freshness: .current,
        evidence: ["\(source) at offset \(note.offset)"]))
  }

  private mutating func state(
    _ note: ELFNote, _ decode: (ByteView) throws(ByteError) -> X86CPUState?
  ) -> X86CPUState? {
    do throws(ByteError) {
      if let state = try decode(note.descriptor) { return state }
      diagnostics.append(
        "the \(note.owner) note at offset \(note.offset) is of an unknown version or size")
    } catch {
      diagnostics.append("the \(note.owner) note at offset \(note.offset) is cut: \(error)")
    }
    return nil
  }
}
