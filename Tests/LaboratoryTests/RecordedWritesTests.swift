import Foundation
import TestWorlds
import Testing
import Varve

/// What `last-write` says of real memory, held against a plain replay.
@Suite("Writes to recorded memory", .enabled(if: RecordedGuest.isPossible), .serialized)
struct RecordedWritesTests {
  /// Records until the kernel has said where its initramfs lies.
  private func record() throws -> (guest: RecordedGuest, initramfs: PhysicalAddress) {
    let guest = try RecordedGuest(machine: "pc", disk: false)
    let recorder = try guest.begin()
    var line = ""
    while !line.contains("RAMDISK: [mem 0x") { line = try recorder.readLine() }
    let digits = try #require(line.split(separator: "[mem 0x").last?.prefix { $0.isHexDigit })
    let ending = recorder.end(by: SIGTERM)
    #expect(ending.signal == nil && ending.status == 0)
    return (guest, PhysicalAddress(try #require(UInt64(digits, radix: 16))))
  }

  /// Fails unless just the step from the record's moment makes `range` what the record says.
  private func expect(
    _ record: AccessRecord, of range: MemoryRange, _ engine: QEMUEngine
  ) async throws {
    try await engine.setStops(.none)
    try await engine.rewind()
    #expect(try await engine.run(to: record.moment) == .reached)
    #expect(try await engine.registers() == record.registers)
    #expect(try await engine.memory(range) == record.before)
    #expect(try await engine.step() == .reached)
    #expect(try await engine.memory(range) == record.after)
  }

  @Test func devicesAndOtherAddressesAreFound() async throws {
    let (guest, initramfs) = try record()
    defer { withExtendedLifetime(guest) {} }
    let engine = try QEMUEngine(try Recording(guest.path))
    let timeline = try await Timeline(engine)
    let end = await timeline.recorded.upperBound
    _ = try await timeline.seek(.moment(end))

    // The firmware has fw_cfg put the initramfs into memory, by DMA; no instruction stores it.
    let range = MemoryRange(.physical(initramfs), count: 64)
    let loaded = try await timeline.lastWrite(to: range)
    guard case .change(let change, by: .deviceOrAlias) = loaded.finding else {
      Issue.record("\(loaded)")
      return
    }
    let files = try #require(guest.processor.files)
    let file = try FileHandle(forReadingFrom: URL(filePath: files + "/initramfs.gz"))
    #expect(change.after == Array(try #require(try file.read(upToCount: 64))))
    #expect(change.before == [UInt8](repeating: 0, count: 64))
    #expect(loaded.comparisons > 0)

    // The stack's top by its own address, and by where that lies.
    let top = await timeline.registers.stackPointer
    let own = MemoryRange(.virtual(top), count: 8)
    // Brings the engine there, too.
    _ = try await timeline.seek(.moment(end))
    let physical = try #require(try await engine.physicalAddress(of: top))
    #expect(try await engine.virtualAddresses(of: physical).contains(top))
    let pushed = try await timeline.lastWrite(to: own)
    guard case .store(let store, _) = pushed.finding else {
      Issue.record("\(pushed)")
      return
    }
    let same = MemoryRange(.physical(physical), count: 8)
    let again = try await timeline.lastWrite(to: same)
    #expect(again.record == store)
    #expect(again.watched.contains(own))
    #expect(await timeline.position == end)

    try await expect(change, of: range, engine)
    try await expect(store, of: same, engine)
    try await engine.end()
  }

  @Test func timelinesAreDrawnWithoutQEMU() throws {
    let guest = try RecordedGuest(machine: "pc", disk: false)
    let recording = try guest.record()
    let before = try guest.varve("timeline", guest.path)
    let last = try #require(recording.description.ending).instructions - 1
    #expect(before.status == 0)
    #expect(before.text.hasPrefix("0 |" + String(repeating: "-", count: 60) + "| \(last)"))
    let picture = guest.scratch.file("boot.svg")
    let drawn = guest.scratch.file("monitor.svg")
    let replay = try guest.varve(
      "replay", guest.path, "-e", "seek 50%", "-e", "bookmark half", "-e", "checkpoint",
      "-e", "timeline", "-e", "timeline svg \(drawn)")
    #expect(replay.status == 0)
    #expect(replay.text.contains("  half\n"))
    #expect(replay.text.contains("  kept\n"))
    #expect(try String(decoding: guest.scratch.read("monitor.svg"), as: UTF8.self).contains("half"))
    // Nothing is overwritten on a debugger's word.
    let refused = try guest.varve("replay", guest.path, "-e", "timeline svg \(drawn)")
    #expect(refused.status == 1)
    #expect(refused.text.contains("exists already"))
    let after = try guest.varve("timeline", guest.path, "--svg", picture)
    #expect(after.status == 0)
    #expect(try String(decoding: guest.scratch.read("boot.svg"), as: UTF8.self).contains(">half<"))
    let json = try guest.varve("timeline", guest.path, "--json")
    let report = try JSONDecoder().decode(Report.self, from: Data(json.text.utf8))
    #expect(report.schema == "varve.moments/1")
    #expect(report.last.moment == last)
    #expect(report.bookmarks.map(\.name) == ["half"])
    let kept = try #require(report.checkpoints.first { $0.isKept == true }?.name)
    let deletion = try guest.varve(
      "replay", guest.path, "-e", "bookmark delete half", "-e", "checkpoint delete \(kept)",
      "-e", "bookmarks", "-e", "checkpoints", "-e", "every write:phys:1000")
    #expect(deletion.text.contains("no bookmarks yet\n"))
    #expect(deletion.text.contains("deleted \(kept)\n"))
    #expect(!deletion.text.contains("\(kept):"))
    #expect(deletion.text.contains("physical addresses can't be watched"))
    #expect(deletion.status == 1)
  }

  private struct Report: Decodable {
    struct Place: Decodable {
      let moment: UInt64
      let name: String?
      let isKept: Bool?
    }
    let schema: String
    let last: Place
    let checkpoints: [Place]
    let bookmarks: [Place]
  }
}
