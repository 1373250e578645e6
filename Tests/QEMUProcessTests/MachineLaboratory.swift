import Bytes
import DebugFiles
import Foundation
import HostSystem
import ObjectFiles
import QEMUProcess
import Targets
import TestWorlds

/// The laboratory's cores of QEMU processes that come with QEMU's own dump of the guest, taken at
/// the same pause.
typealias MachineSubject = LaboratoryManifest.Subject

extension MachineSubject {
  /// Every one is compared if `VARVE_LAB_ALL` is set, else small ones of each sort.
  private static let few = [
    "vm-microvm-debug", "vm-q35-file-debug", "vm-q35-dimm-excluded-debug",
    "vm-q35-flash-debug", "vm-q35-nvdimm-debug", "vm-pc-real-debug", "vm-pc-max-debug",
  ]

  /// Those in which both ways must find the same.
  static let forBothWays = withDebugInformation.filter { subject in
    LaboratoryManifest.isEverythingWanted
      || ["vm-microvm-debug", "vm-pc-max-debug", "vm-q35-nvdimm-debug"].contains(subject.name)
  }

  /// Those that have debug information.
  static let withDebugInformation = LaboratoryManifest.subjects.filter {
    $0.kind == "machine-core" && $0.stripped == false && $0.core != nil
      && $0.truth["qmp_dump"] != nil
      && (LaboratoryManifest.isEverythingWanted || few.contains($0.name))
  }

  func process() throws -> Targets.Process {
    try Self.process(core: core ?? "", executable: executable)
  }

  static func process(core: String, executable: String?) throws -> Targets.Process {
    let places = DebugFilePlaces(
      debugDirectories: [], debuginfod: .off, givenFiles: [executable].compactMap { $0 })
    return try Targets.Process(
      core: CoreFile(MappedFile.open(core).bytes), finder: DebugFileFinder(places))
  }

  /// QEMU's own dump.
  func qmpDump() throws -> QMPDump {
    try QMPDump(MappedFile.open(truth["qmp_dump"] ?? "").bytes)
  }

  /// A file of the truth as text.
  func text(_ name: String) throws -> String {
    try String(contentsOfFile: truth[name] ?? "", encoding: .utf8)
  }
}

/// An ELF dump that QEMU wrote: of 32 bits if the guest wasn't in long mode and has no memory
/// beyond 4 GiB (target/i386/arch_dump.c, `cpu_get_dump_info`).
struct QMPDump {
  struct Load {
    let start: PhysicalAddress
    let bytes: ByteView
  }
  private(set) var loads: [Load] = []
  private(set) var notes: [(owner: String, descriptor: ByteView)] = []

  /// System V gABI, "ELF Header" and "Program Header"; the fields' places by class.
  init(_ bytes: ByteView) throws {
    let isWide = try bytes.load(UInt8.self, at: 4) == 2
    func word(_ wide: UInt64, _ narrow: UInt64) throws -> UInt64 {
      try isWide ? bytes.load(UInt64.self, at: wide) : UInt64(bytes.load(UInt32.self, at: narrow))
    }
    let table = try word(32, 28)
    let size: UInt64 = isWide ? 56 : 32
    for index in 0..<UInt64(try bytes.load(UInt16.self, at: isWide ? 56 : 44)) {
      let header = table + index * size
      let contents = try bytes.subview(
        at: try word(header + 8, header + 4), count: try word(header + 32, header + 16))
      if try bytes.load(UInt32.self, at: header) == 1 {
        loads.append(
          Load(start: PhysicalAddress(try word(header + 24, header + 12)), bytes: contents))
      } else {
        try readNotes(contents)
      }
    }
  }

  private mutating func readNotes(_ bytes: ByteView) throws {
    var cursor = ByteCursor(bytes)
    while cursor.remaining >= 12 {
      let nameSize = UInt64(try cursor.read(UInt32.self))
      let size = UInt64(try cursor.read(UInt32.self))
      try cursor.skip(4)
      let name = String(decoding: try cursor.readBytes(nameSize).copy().dropLast(), as: UTF8.self)
      try cursor.align(to: 4)
      notes.append((name, try cursor.readBytes(size)))
      if cursor.remaining > 0 { try cursor.align(to: 4) }
    }
  }
}

/// What QEMU's dump says of a CPU: QEMUCPUState of target/i386/arch_dump.c.
///
///      0  version u32, size u32
///      8  rax rbx rcx rdx rsi rdi rsp rbp r8 … r15 rip rflags   18 × u64
///    152  cs ds es fs gs ss ldt tr gdt idt   10 × (selector, limit, flags, 0: u32; base u64)
///    392  cr0 … cr4   5 × u64
///    432  kernel_gs_base u64
struct QMPRegisters {
  let state: X86CPUState

  static let general: [X86CPUState.General] = [
    .rax, .rbx, .rcx, .rdx, .rsi, .rdi, .rsp, .rbp, .r8, .r9, .r10, .r11, .r12, .r13, .r14, .r15,
  ]
  static let segments: [X86CPUState.SegmentRegister] = [
    .cs, .ds, .es, .fs, .gs, .ss, .ldt, .tr, .gdt, .idt,
  ]

  init(_ note: ByteView) throws {
    var state = X86CPUState()
    var cursor = ByteCursor(note, at: 8)
    for register in Self.general { state[register] = try cursor.read(UInt64.self) }
    state.rip = try cursor.read(UInt64.self)
    state.rflags = try cursor.read(UInt64.self)
    for register in Self.segments {
      let selector = try cursor.read(UInt32.self)
      let limit = try cursor.read(UInt32.self)
      let flags = try cursor.read(UInt32.self)
      try cursor.skip(4)
      state.segments[register] = X86Segment(
        selector: selector, base: try cursor.read(UInt64.self), limit: limit, flags: flags)
    }
    state.cr0 = try cursor.read(UInt64.self)
    try cursor.skip(8)
    state.cr2 = try cursor.read(UInt64.self)
    state.cr3 = try cursor.read(UInt64.self)
    state.cr4 = try cursor.read(UInt64.self)
    state[.kernelGSBase] = try cursor.read(UInt64.self)
    self.state = state
  }
}

/// A stretch of guest memory as QEMU's dump lists it: what lies together in the guest and in one
/// memory region of QEMU's is one (softmmu/memory_mapping.c, `guest_phys_block_add_section`).
struct DumpedStretch: Equatable {
  let start: UInt64
  var count: UInt64

  static func expected(of map: [MemoryMapEntry]) -> [DumpedStretch] {
    var stretches: [DumpedStretch] = []
    var last: MemoryMapEntry?
    for entry in map where entry.kind.isDumped {
      if let before = last, before.last &+ 1 == entry.start, before.block == entry.block,
        before.blockOffset + before.count == entry.blockOffset
      {
        stretches[stretches.count - 1].count += entry.count
      } else {
        stretches.append(DumpedStretch(start: entry.start.rawValue, count: entry.count))
      }
      last = entry
    }
    return stretches
  }
}
