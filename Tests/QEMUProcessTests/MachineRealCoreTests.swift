import Bytes
import Foundation
import HostSystem
import QEMUProcess
import Targets
import Testing

@Suite("Machines of real cores, by debug information", .serialized)
struct MachineRealCoreTests {
  /// One machine, opened once for all that is compared.
  @Test(arguments: DumpedMachine.withDebugInformation)
  func isWhatQEMUItselfDumped(_ subject: DumpedMachine) throws {
    let process = try subject.process()
    var options = QEMUMachine.Options()
    options.standIns = try Self.standIns(for: subject, in: process)
    let found = try QEMUMachine.find(in: process, options: options)
    #expect(found.machine.diagnostics == [])
    #expect(found.machine.type == Self.type(of: subject))
    let dump = try subject.qmpDump()
    try compareMemory(found.machine, dump, subject)
    try compareRegisters(found.machine, dump)
    try compareText(found.machine, subject)
    let note = dump.notes.first { $0.owner == "VMCOREINFO" }
    #expect(found.machine.vmcoreInfo?.copy() == note?.descriptor.copy())
    #expect((note != nil) == subject.vmcoreinfoNote)
  }

  /// The full name of the type that a machine's alias stands for in the laboratory's QEMU.
  private static func type(of subject: DumpedMachine) -> String? {
    switch subject.machine {
    case "pc": "pc-i440fx-7.2"
    case "q35": "pc-q35-7.2"
    default: subject.machine
    }
  }

  /// The memory backend file that the laboratory kept, for what the core lacks of it.
  private static func standIns(
    for subject: DumpedMachine, in process: Targets.Process
  ) throws -> [HostStandIn] {
    guard let path = subject.ramFile else { return [] }
    let absent = try QEMUMachine.find(in: process).absentBackings
    #expect(absent.allSatisfy { $0.path.hasSuffix("/ram.bin") })
    let bytes = try MappedFile.open(path).bytes
    return absent.map { HostStandIn(for: $0, file: bytes, source: path) }
  }

  private func compareMemory(
    _ machine: Machine, _ dump: QMPDump, _ subject: DumpedMachine
  ) throws {
    #expect(
      DumpedStretch.expected(of: machine.map)
        == dump.loads.map {
          DumpedStretch(start: $0.start.rawValue, count: UInt64($0.bytes.count))
        })
    for load in dump.loads {
      let start = load.start
      var differing: [UInt64] = []
      machine.memory.forEachRun(in: start..<start &+ UInt64(load.bytes.count), limit: 16 << 20) {
        address, run in
        let skip = address.rawValue - start.rawValue
        let theirs = load.bytes.clampedSubview(at: skip, count: run.count)
        if case .absent(let reason, _) = run {
          // What QEMU had the kernel leave out is told to be missing, and nothing else is.
          // If it's the machine's memory, all other blocks are left out as well.
          let block = machine.map.last { $0.start <= address }?.block
          if reason == .excluded, [block, "pc.ram"].contains(subject.excludedBlock) { return }
        }
        guard case .bytes(let ours) = run, Data(ours.copy()) == Data(theirs.copy()) else {
          differing.append(address.rawValue)
          return
        }
      }
      #expect(differing == [])
    }
  }

  private func compareRegisters(_ machine: Machine, _ dump: QMPDump) throws {
    let notes = dump.notes.filter { $0.owner == "QEMU" }
    #expect(machine.cpus.count == notes.count)
    #expect(machine.cpus.map(\.index) == Array(0..<notes.count))
    for (cpu, note) in zip(machine.cpus, notes) {
      let truth = try QMPRegisters(note.descriptor).state
      #expect(cpu.freshness == .current)
      #expect(cpu.x86.general == truth.general)
      #expect(cpu.x86.rip == truth.rip)
      #expect(cpu.x86.rflags == truth.rflags)
      #expect(cpu.x86.segments == truth.segments)
      #expect(
        [cpu.x86.cr0, cpu.x86.cr2, cpu.x86.cr3, cpu.x86.cr4]
          == [truth.cr0, truth.cr2, truth.cr3, truth.cr4])
      #expect(cpu.x86[.kernelGSBase] == truth[.kernelGSBase])
    }
  }

  /// What `info registers -a` says besides.
  private func compareText(_ machine: Machine, _ subject: DumpedMachine) throws {
    let sections = try subject.text("registers").components(separatedBy: "CPU#").dropFirst()
    #expect(sections.count == machine.cpus.count)
    for (section, cpu) in zip(sections, machine.cpus) {
      let lines = RegisterText(section)
      #expect(cpu.x86[.efer] == lines["EFER"])
      for number in [0, 1, 2, 3, 6, 7] { #expect(cpu.x86.debug[number] == lines["DR\(number)"]) }
      #expect(cpu.isHalted == lines["HLT"].map { $0 != 0 })
      let area = try #require(cpu.x86.extendedState)
      let view = ByteView(copying: area)
      #expect(UInt64(try view.load(UInt16.self, at: 0)) == lines["FCW"])
      #expect(UInt64(try view.load(UInt16.self, at: 2)) == lines["FSW"])
      #expect(UInt64(area[4]) == lines["FTW"])
      #expect(UInt64(try view.load(UInt32.self, at: 24)) == lines["MXCSR"])
      for index in 0..<16 {
        let name = "XMM" + (index < 10 ? "0" : "") + "\(index)"
        guard let digits = lines.text(name) else { continue }
        let low = try view.load(UInt64.self, at: UInt64(160 + 16 * index))
        let high = try view.load(UInt64.self, at: UInt64(168 + 16 * index))
        #expect(digits == Self.digits(high) + Self.digits(low))
      }
    }
  }

  /// Without debug information the same machine is found by the shape of QEMU's structures.
  @Test(arguments: DumpedMachine.forBothWays)
  func bothWaysFindTheSame(_ subject: DumpedMachine) throws {
    let process = try subject.process()
    var options = QEMUMachine.Options()
    options.crossChecks = true
    options.standIns = try Self.standIns(for: subject, in: process)
    let found = try QEMUMachine.find(
      in: process, options: options, search: QEMUMachine.search())
    #expect(found.machine.diagnostics == [])
    options.usesDebugInformation = false
    let searched = try QEMUMachine.find(
      in: process, options: options, search: QEMUMachine.search())
    #expect(searched.machine.map == found.machine.map)
    #expect(searched.machine.type == found.machine.type)
  }

  /// A guest that ran when its QEMU was dumped: rip and flags are of an earlier moment, and that is
  /// told.
  @Test(arguments: Laboratory.cores.filter { !$0.isStripped })
  func ofGuestsThatRan(_ core: Laboratory.Core) throws {
    let process = try DumpedMachine.process(core: core.core, executable: core.executable)
    let found = try QEMUMachine.find(in: process)
    #expect(found.machine.diagnostics == [])
    #expect(found.machine.map.contains { $0.block == "pc.ram" })
    #expect(!found.machine.cpus.isEmpty)
    for cpu in found.machine.cpus {
      let isInside = cpu.freshness == .torn
      #expect(isInside || cpu.freshness == .current)
      #expect(cpu.evidence.count == (isInside ? 2 : 1))
      // Bit 1 is always set, however the others were computed.
      #expect(cpu.x86.rflags.map { $0 & 2 } == 2)
    }
  }

  private static func digits(_ value: UInt64) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: 16 - text.count) + text
  }
}

/// What `info registers` prints: `NAME=hexadecimal digits`, in groups for vectors.
struct RegisterText {
  private var values: [String: String] = [:]

  init(_ section: String) {
    for line in section.split(separator: "\n") {
      let fields = line.split(separator: "=", omittingEmptySubsequences: false)
      for index in fields.indices.dropLast() {
        let name = fields[index].split(separator: " ").last.map(String.init) ?? ""
        // What follows the next name's start isn't this one's.
        var words = fields[index + 1].split(separator: " ")
        if index + 2 < fields.count { words = words.dropLast() }
        values[name] = words.prefix { $0.allSatisfy(\.isHexDigit) }.joined()
      }
    }
  }

  func text(_ name: String) -> String? { values[name] }

  subscript(name: String) -> UInt64? { values[name].flatMap { UInt64($0, radix: 16) } }
}
