import Bytes
import Foundation
import ObjectFiles
import QEMUProcess
import Targets
import Testing

@Suite("Machines of real cores, by debug information", .serialized)
struct MachineRealCoreTests {
  /// One machine, opened once for all that is compared.
  @Test(arguments: MachineSubject.withDebugInformation)
  func isWhatQEMUItselfDumped(_ subject: MachineSubject) throws {
    let process = try subject.process()
    let standIns = try Self.standIns(for: subject, in: process)
    var options = QEMUMachine.Options()
    options.standIns = standIns
    let found = try QEMUMachine.find(in: process, options: options)
    #expect(found.machine.diagnostics == [])
    let dump = try subject.qmpDump()
    try compareMemory(found.machine, dump, subject)
    try compareRegisters(found.machine, dump)
    try compareText(found.machine, subject)
    let note = dump.readNotes().notes.first { $0.owner == "VMCOREINFO" }
    #expect(found.machine.vmcoreInfo?.copy() == note?.descriptor.copy())
    #expect((note != nil) == subject.vmcoreinfoNote)
  }

  static func standIns(
    for subject: MachineSubject, in process: Targets.Process
  ) throws -> [HostStandIn] {
    []
  }

  private func compareMemory(
    _ machine: Machine, _ dump: ELFImage, _ subject: MachineSubject
  ) throws {
    let loads = dump.segments.filter { $0.type == .load }
    #expect(
      DumpedStretch.expected(of: machine.map)
        == loads.map { DumpedStretch(start: $0.physicalAddress.rawValue, count: $0.memorySize) })
    for load in loads {
      let start = load.physicalAddress
      var differing: [UInt64] = []
      machine.memory.forEachRun(in: start..<start &+ load.memorySize, limit: 16 << 20) {
        address, run in
        let skip = address.rawValue - start.rawValue
        let theirs = dump.bytes.clampedSubview(
          at: load.fileOffset.rawValue + skip, count: run.count)
        guard case .bytes(let ours) = run, Data(ours.copy()) == Data(theirs.copy()) else {
          differing.append(address.rawValue)
          return
        }
      }
      #expect(differing == [])
    }
  }

  private func compareRegisters(_ machine: Machine, _ dump: ELFImage) throws {
    let notes = dump.readNotes().notes.filter { $0.owner == "QEMU" }
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
  private func compareText(_ machine: Machine, _ subject: MachineSubject) throws {
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
