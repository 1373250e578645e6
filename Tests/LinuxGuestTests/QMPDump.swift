import Bytes
import Foundation
import HostSystem
import ObjectFiles
import Targets

/// A dump that QEMU's `dump-guest-memory` wrote of one of the laboratory's guests.
struct QMPDump: Sendable, CustomStringConvertible {
  let name: String
  private let path: String
  /// Whether the guest told its hypervisor where VMCOREINFO is.
  let hasNote: Bool
  let vcpus: Int

  var description: String { name }

  private struct Manifest: Decodable {
    struct Subject: Decodable {
      let name: String
      let guest: String?
      let mode: String?
      let memory: UInt64?
      let vcpus: Int?
      let note: Bool?
      let truth: [String: String]

      private enum CodingKeys: String, CodingKey {
        case name, guest, mode, memory, vcpus, truth
        case note = "vmcoreinfo_note"
      }
    }
    let subjects: [Subject]
  }

  /// The dumps of Linux guests that are small enough to be searched by a debug build; none without
  /// a laboratory.
  static let small: [QMPDump] = {
    let root =
      ProcessInfo.processInfo.environment["VARVE_LAB"] ?? NSHomeDirectory() + "/.cache/varve-lab"
    let manifest: Manifest
    do {
      manifest = try JSONDecoder().decode(
        Manifest.self, from: Data(contentsOf: URL(filePath: root + "/manifest.json")))
    } catch {
      return []
    }
    return manifest.subjects.filter {
      $0.guest == "linux" && $0.mode == "long" && ($0.memory ?? .max) <= 256 << 20
    }.prefix(4).compactMap { subject in
      subject.truth["qmp_dump"].map {
        QMPDump(
          name: subject.name, path: $0, hasNote: subject.note ?? false, vcpus: subject.vcpus ?? 0)
      }
    }
  }()

  func machine() throws -> Machine {
    let image = try ELFImage(MappedFile.open(path).bytes)
    let memory = PhysicalMemory(
      try image.segments.filter { $0.type == .load }.map {
        PhysicalSegment(
          start: $0.physicalAddress, count: $0.fileSize,
          contents: .bytes(try image.contents(of: $0)))
      })
    let notes = image.readNotes().notes
    let cpus = try notes.filter { $0.owner == "QEMU" }.enumerated().map { index, note in
      VCPU(index: index, x86: try Self.state(note.descriptor), freshness: .current)
    }
    return Machine(
      memory: memory,
      map: memory.segments.map {
        MemoryMapEntry(start: $0.start, count: $0.count, kind: .ram)
      }, cpus: cpus, vmcoreInfo: notes.first { $0.owner == "VMCOREINFO" }?.descriptor)
  }

  /// `QEMUCPUState` (target/i386/arch_dump.c): a version, a size, 18 registers, 10 segments of 24
  /// bytes, CR0 to CR4.
  private static func state(_ note: ByteView) throws -> X86CPUState {
    var state = X86CPUState()
    state.rip = try note.load(at: 8 + 16 * 8)
    state.rflags = try note.load(at: 8 + 17 * 8)
    let order: [X86CPUState.SegmentRegister] = [
      .cs, .ds, .es, .fs, .gs, .ss, .ldt, .tr, .gdt, .idt,
    ]
    for (index, register) in order.enumerated() {
      let start = 8 + 18 * 8 + UInt64(index) * 24
      state.segments[register] = X86Segment(
        selector: try note.load(at: start), base: try note.load(at: start + 16),
        limit: try note.load(at: start + 4), flags: try note.load(at: start + 8))
    }
    let control: UInt64 = 8 + 18 * 8 + 10 * 24
    state.cr0 = try note.load(at: control)
    state.cr2 = try note.load(at: control + 16)
    state.cr3 = try note.load(at: control + 24)
    state.cr4 = try note.load(at: control + 32)
    return state
  }
}
