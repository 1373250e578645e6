import Bytes
import Foundation
import HostSystem
import MachineDumps
import Targets
import TestWorlds
import Testing

/// A guest of the laboratory's, dumped by QEMU itself; nil where there is no laboratory.
private let laboratoryDump: String? = {
  let environment = ProcessInfo.processInfo.environment
  let root = environment["VARVE_LAB"] ?? (environment["HOME"] ?? "") + "/.cache/varve-lab"
  let path = root + "/subjects/vm-microvm-debug/qmp.elf"
  return FileManager.default.isReadableFile(atPath: path) ? path : nil
}()

/// The first address where `left` and `right` differ in what they say of the memory of `map`. Where
/// `right` lacks an excluded page, `left` has to have zeros if `excludesZeros`, or may have anything.
private func firstDifference(
  _ left: PhysicalMemory, _ right: PhysicalMemory, _ map: [MemoryMapEntry], excludesZeros: Bool
) throws -> PhysicalAddress? {
  for entry in map {
    var next = entry.start
    while next <= entry.last {
      let limit = min(entry.last.rawValue - next.rawValue + 1, 1 << 20)
      let run = right.run(at: next, limit: limit)
      switch run {
      case .bytes(let bytes):
        guard haveEqualBytes(try left.read(next, count: run.count), bytes) else { return next }
      case .zeros,
        .absent(.excluded, _) where excludesZeros:
        let zeros = ByteView(copying: repeatElement(0, count: Int(run.count)))
        guard haveEqualBytes(try left.read(next, count: run.count), zeros) else { return next }
      case .absent(.excluded, _): break
      case .absent: return next
      }
      guard let after = next.advanced(by: run.count) else { break }
      next = after
    }
  }
  return nil
}

@Suite(.enabled(if: laboratoryDump != nil), .serialized) struct RealDumpTests {
  let directory: ScratchDirectory
  let path: String
  let elf: Machine

  init() throws {
    directory = try ScratchDirectory()
    path = try #require(laboratoryDump)
    elf = try MachineDump(opening: path).machine
  }

  /// `readelf`'s PT_LOADs, each with its place in the file.
  private func loads() throws -> [(offset: UInt64, physical: UInt64, size: UInt64)] {
    try Tool.run("readelf", "-lW", path, in: directory).split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard words.first == "LOAD", words.count > 5 else { return nil }
      func number(_ index: Int) -> UInt64? { UInt64(words[index].dropFirst(2), radix: 16) }
      guard let offset = number(1), let physical = number(3), let size = number(4) else {
        return nil
      }
      return (offset, physical, size)
    }
  }

  @Test func theELFOfQEMUIsReadAsReadelfReadsIt() throws {
    let file = try MappedFile.open(path)
    let loads = try loads()
    #expect(!loads.isEmpty)
    #expect(elf.map.map(\.start.rawValue) == loads.map(\.physical))
    #expect(elf.map.map(\.count) == loads.map(\.size))
    for load in loads {
      let bytes = try elf.memory.read(PhysicalAddress(load.physical), count: load.size)
      #expect(haveEqualBytes(bytes, try file.bytes.subview(at: load.offset, count: load.size)))
      #expect(bytes.storage === file.bytes.storage || bytes.storageOffset == Int(load.offset))
    }
    #expect(elf.diagnostics == [])
    #expect(elf.cpus.count == 1)
    #expect(elf.cpus.first?.x86.mode == .long)
    let info = try #require(elf.vmcoreInfo)
    #expect(String(decoding: info).hasPrefix("OSRELEASE="))
  }

  /// QEMU's PT_LOADs as /proc/vmcore would have them: makedumpfile takes no others.
  private func kernelStyleDump() throws -> String {
    let file = try MappedFile.open(path)
    let loads = try loads()
    var core = VMCoreAssembler()
    for line in try Tool.run("readelf", "-lW", path, in: directory).split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.first == "NOTE", let offset = UInt64(words[1].dropFirst(2), radix: 16),
        let size = UInt64(words[4].dropFirst(2), radix: 16)
      else { continue }
      core.notes = try file.bytes.subview(at: offset, count: size).copy()
    }
    let text = elf.vmcoreInfo.map { String(decoding: $0) } ?? ""
    #expect(text.contains("SYMBOL(init_uts_ns)"))
    core.loads = try loads.map { load in
      VMCoreAssembler.Load(
        physical: load.physical, virtual: 0xffff_8880_0000_0000 + load.physical,
        bytes: try file.bytes.subview(at: load.offset, count: load.size).copy())
    }
    return try directory.write(core.bytes, to: "kernel.elf")
  }

  @Test(.enabled(if: Tool.exists("makedumpfile")))
  func everyPageOfMakedumpfilesDumpsIsEqual() throws {
    let kernel = try kernelStyleDump()
    let reread = try MachineDump(opening: kernel).machine
    #expect(try firstDifference(elf.memory, reread.memory, elf.map, excludesZeros: false) == nil)
    for (options, format, isWhole) in [
      (["-l", "-d", "0"], MachineDumpFormat.kdump, true), (["-c", "-d", "31"], .kdump, false),
      (["-F", "-c", "-d", "1"], .flattened, true),
    ] {
      let output = directory.file("made")
      let command =
        options.contains("-F")
        ? "makedumpfile \(options.joined(separator: " ")) \(kernel) > made"
        : "makedumpfile \(options.joined(separator: " ")) \(kernel) made"
      try Tool.run("sh", "-c", "rm -f made; " + command, in: directory)
      let dump = try MachineDump(opening: output)
      #expect(dump.format == format, "\(options)")
      #expect(dump.machine.diagnostics.filter { !$0.contains("registers") } == [])
      #expect(dump.machine.vmcoreInfo?.copy() == elf.vmcoreInfo?.copy(), "\(options)")
      #expect(dump.machine.map.first?.start == PhysicalAddress(0))
      let difference = try firstDifference(
        elf.memory, dump.machine.memory, dump.machine.map, excludesZeros: isWhole)
      #expect(difference == nil, "\(options)")
    }
  }

  @Test(.enabled(if: Tool.exists("makedumpfile")))
  func damagedKdumpsGiveAnErrorOrAbsentPages() throws {
    let kernel = try kernelStyleDump()
    try Tool.run("makedumpfile", "-l", "-d", "31", kernel, "whole", in: directory)
    let whole = try directory.read("whole")
    for size in [8, 500, 4096, 5000, 8192, 12000, 40000, whole.count / 2, whole.count - 1] {
      let cut = try directory.write(Array(whole.prefix(size)), to: "cut")
      do {
        let machine = try MachineDump(opening: cut).machine
        _ = read(machine)
      } catch {
        #expect(size < whole.count / 2)
      }
    }
    // Page descriptors and pages that are garbage.
    var damaged = whole
    for index in stride(from: 12288, to: damaged.count, by: 97) { damaged[index] ^= 0x5a }
    let machine = try MachineDump(opening: directory.write(damaged, to: "damaged")).machine
    #expect(read(machine).missing > 0)
  }

  /// Reads all memory; how many bytes were there and not.
  private func read(_ machine: Machine) -> (present: UInt64, missing: UInt64) {
    var counts: (present: UInt64, missing: UInt64) = (0, 0)
    for entry in machine.map {
      machine.memory.forEachRun(in: entry.start..<(entry.start &+ entry.count)) { _, run in
        if case .absent = run { counts.missing += run.count } else { counts.present += run.count }
      }
    }
    return counts
  }
}
