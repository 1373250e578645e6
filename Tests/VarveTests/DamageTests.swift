import Foundation
import Targets
import TestWorlds
import Testing
import Varve

/// What is left of a damaged core is shown, and what is missing is said; nothing traps or hangs.
@Suite struct DamageTests {
  @Test func aCoreCutAnywhereSaysSo() throws {
    let file = try MappedFile.open(Subjects.core("core-ucontext-abort").core)
    let size = file.size
    var refused = 0
    for step in 0..<100 {
      // Denser near the start, where the headers and notes are.
      let cut = UInt64(Double(size) * pow(Double(step) / 100, 4))
      do {
        let (process, warnings) = try inspect(file.bytes.clampedSubview(at: 0, count: cut))
        let lost = MemoryReport(process.memory).truncated
        #expect(lost > 0 || !warnings.isEmpty, "cut at \(cut) of \(size) went unnoticed")
      } catch is ObjectError {
        refused += 1
      }
    }
    // Only a file without even an ELF header is beyond use.
    #expect(refused >= 1 && refused <= 5, "\(refused) cuts refused")
  }

  @Test func theWholeCoreIsWhole() throws {
    let file = try MappedFile.open(Subjects.core("core-ucontext-abort").core)
    let (process, warnings) = try inspect(file.bytes)
    #expect(MemoryReport(process.memory).truncated == 0)
    #expect(warnings.isEmpty, "\(warnings)")
  }

  /// Flips one to eight bytes in the headers or the notes, 10,000 times.
  @Test func flippedHeadersAndNotesAreSurvived() async throws {
    let original = try MappedFile.open(Subjects.core("program-threads").core).bytes
    let segments = try ELFImage(original).segments
    let notes = try #require(segments.first { $0.type == .note })
    let head = notes.fileOffset.rawValue + notes.fileSize
    // What the notes refer to further on isn't copied for each variant: the head alone is enough
    // for every parser, and memory beyond it counts as cut off.
    let prefix = original.clampedSubview(at: 0, count: head + 0x4000).copy()
    let count = await withTaskGroup(of: Int.self) { group in
      for worker in 0..<4 {
        group.addTask { survivors(of: 2500, variantsOf: prefix, head: head, seed: worker) }
      }
      return await group.reduce(0, +)
    }
    // Nearly every variant leaves something to show.
    #expect(count > 9000, "only \(count) of 10000 were usable")
  }

  @Test func aNoteOfFourGibibytesIsReported() throws {
    var bytes = try MappedFile.open(Subjects.core("program-threads").core).bytes.copy()
    let notes = try #require(
      try ELFImage(ByteView(copying: bytes)).segments.first { $0.type == .note })
    let start = Int(notes.fileOffset.rawValue)
    for index in 4..<8 { bytes[start + index] = 0xff }
    let (process, warnings) = try inspect(ByteView(copying: bytes))
    #expect(process.threads.isEmpty)
    #expect(warnings.contains { $0.contains("4294967295 bytes") }, "\(warnings)")
  }
}

/// Looks at everything that doesn't need debug information; gives what was said to be missing.
private func inspect(
  _ bytes: ByteView, finder: DebugFileFinder = Subjects.finder
) throws -> (process: Targets.Process, warnings: [String]) {
  let core = try CoreFile(bytes)
  let process = try Process(core: core, finder: finder)
  for thread in process.threads.prefix(20) {
    let backtrace = process.backtrace(from: thread.registers, limit: 200)
    #expect(backtrace.frames.count <= 200)
  }
  let info = InfoReport(
    file: "core", core: core, process: process, warnings: process.diagnostics)
  #expect(info.text(.plain).isEmpty == false)
  return (process, process.diagnostics)
}

/// Inspects `count` damaged variants of `prefix`, flipped within its first `head` bytes; gives how
/// many of them were usable at all.
private func survivors(of count: Int, variantsOf prefix: [UInt8], head: UInt64, seed: Int) -> Int {
  var random = SplitMix(seed: UInt64(seed) + 1)
  var usable = 0
  for variant in 0..<count {
    var damaged = prefix
    for _ in 0...random.next() % 8 {
      let index = Int(random.next() % head)
      damaged[index] = UInt8(truncatingIfNeeded: random.next())
    }
    do {
      // Reading the module's files takes most of the time and depends little on what was flipped.
      let finder = variant % 50 == 0 ? Subjects.finder : Subjects.noFiles
      _ = try inspect(ByteView(copying: damaged), finder: finder)
      usable += 1
    } catch is ObjectError {
    } catch is TargetError {
    } catch {
      Issue.record("\(error)")
    }
  }
  return usable
}

/// The generator of G. Steele, D. Lea and C. Flood, "Fast splittable pseudorandom number
/// generators": the same numbers from the same seed everywhere.
struct SplitMix {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }
}
