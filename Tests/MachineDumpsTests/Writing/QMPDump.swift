import Bytes
import HostSystem
import ObjectFiles
import Targets
import TestWorlds
import Testing

/// A dump that QEMU itself wrote, read with as little as possible of what is tested.
struct QMPDump {
  let file: MappedFile
  let core: ELFDump
  /// Its PT_LOADs.
  let loads: [ELFSegment]
  /// All notes, as they stand in the file.
  let notes: [UInt8]
  /// A machine made of the dump's segments, its "QEMU" notes and its VMCOREINFO.
  let machine: Machine

  static let subjects = LaboratoryManifest.subjects.filter {
    $0.kind == "machine-core" && $0.truth["qmp_dump"] != nil
  }

  init(_ subject: LaboratoryManifest.Subject) throws {
    let path = try #require(subject.truth["qmp_dump"])
    file = try MappedFile.open(path)
    core = try ELFDump(file.bytes)
    loads = core.segments.filter { $0.type == .load }
    let header = try #require(core.segments.first { $0.type == .note })
    notes = try file.bytes.subview(at: header.fileOffset.rawValue, count: header.fileSize).copy()
    let segments = try loads.map { [bytes = file.bytes] segment in
      PhysicalSegment(
        start: segment.physicalAddress, count: segment.memorySize,
        contents: .bytes(
          try bytes.subview(at: segment.fileOffset.rawValue, count: segment.fileSize)))
    }
    machine = Machine(
      memory: try PhysicalMemory(segments).markingHoles(of: file),
      map: segments.map { MemoryMapEntry(start: $0.start, count: $0.count, kind: .ram) },
      cpus: try core.notes.filter { $0.owner == "QEMU" }.enumerated().map(Self.cpu),
      vmcoreInfo: core.notes.first { $0.owner == "VMCOREINFO" }?.descriptor)
  }

  /// What a "QEMU" note says (target/i386/arch_dump.c, `QEMUCPUState`).
  private static func cpu(_ index: Int, _ note: ELFNote) throws -> VCPU {
    var cursor = ByteCursor(note.descriptor, at: 8)
    var state = X86CPUState()
    let order: [X86CPUState.General] = [
      .rax, .rbx, .rcx, .rdx, .rsi, .rdi, .rsp, .rbp, .r8, .r9, .r10, .r11, .r12, .r13, .r14,
      .r15,
    ]
    for register in order { state[register] = try cursor.read() }
    state.rip = try cursor.read(UInt64.self)
    state.rflags = try cursor.read(UInt64.self)
    let segments: [X86CPUState.SegmentRegister] = [
      .cs, .ds, .es, .fs, .gs, .ss, .ldt, .tr, .gdt, .idt,
    ]
    for register in segments {
      let selector: UInt32 = try cursor.read()
      let limit: UInt32 = try cursor.read()
      let flags: UInt32 = try cursor.read()
      try cursor.skip(4)
      state.segments[register] = X86Segment(
        selector: selector, base: try cursor.read(), limit: limit, flags: flags)
    }
    state.cr0 = try cursor.read(UInt64.self)
    try cursor.skip(8)
    state.cr2 = try cursor.read(UInt64.self)
    state.cr3 = try cursor.read(UInt64.self)
    state.cr4 = try cursor.read(UInt64.self)
    state[.kernelGSBase] = try cursor.read(UInt64.self)
    return VCPU(index: index, x86: state, freshness: .current)
  }
}
