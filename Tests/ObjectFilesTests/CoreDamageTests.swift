import Bytes
import TestWorlds
import Testing

@testable import ObjectFiles

/// Cores that are cut, garbled or made by hand.
@Suite struct CoreDamageTests {
  /// A small core with two threads and everything else that is decoded.
  static func small() throws -> [UInt8] {
    var writer = ELFCoreWriter(machine: .x86_64)
    var info = CoreProcessInfo(processID: 100)
    info.name = "subject"
    info.arguments = "subject with words"
    for id in Int32(100)...101 {
      var status = CoreThreadStatus(threadID: id)
      status.signal = 11
      let registers = try #require(
        CoreRegisters(machine: .x86_64, values: (0..<27).map { UInt64($0) + UInt64(id) << 32 }))
      try writer.addThread(status, registers)
      if id == 100 {
        writer.addProcessInfo(info)
        writer.addSignalInfo(
          CoreSignalInfo(signal: 11, code: 2, cause: .fault(VirtualAddress(0xdead_beef))))
        writer.addAuxiliaryVector([CoreAuxiliaryEntry(type: 6, value: 4096)])
        writer.addMappedFiles([
          CoreMappedFile(
            start: VirtualAddress(0x40_0000), end: VirtualAddress(0x40_2000),
            fileOffset: FileOffset(0x1000), path: "/bin/subject"),
          CoreMappedFile(
            start: VirtualAddress(0x50_0000), end: VirtualAddress(0x50_1000),
            fileOffset: FileOffset(0), path: "/lib/ü.so (deleted)"),
        ])
      }
      writer.addFloatingPoint(ByteView(copying: [UInt8](repeating: 7, count: 512)))
      writer.addExtendedState(ByteView(copying: [UInt8](repeating: 8, count: 832)))
    }
    writer.addSegment(
      CoreOutputSegment(
        address: VirtualAddress(0x40_0000), memorySize: 0x2000, permissions: [.read, .execute],
        contents: .bytes(ByteView(copying: [UInt8](repeating: 0xcc, count: 0x1000)))))
    writer.addSegment(
      CoreOutputSegment(
        address: VirtualAddress(0x7fff_0000), memorySize: 0x3000, permissions: [.read, .write],
        contents: .bytes(ByteView(copying: [UInt8](repeating: 0x55, count: 0x3000)))))
    return try Self.bytes(writer.layout())
  }

  /// What a layout describes, in memory.
  static func bytes(_ layout: CoreLayout, input: ByteView = .empty) throws -> [UInt8] {
    var bytes = layout.head
    for piece in layout.pieces {
      let start = Int(piece.fileOffset.rawValue)
      bytes += [UInt8](repeating: 0, count: start - bytes.count)
      switch piece.contents {
      case .absent, .deferred: break
      case .bytes(let view): bytes += view.copy()
      case .input(let offset, let count):
        bytes += try input.subview(at: offset.rawValue, count: count).copy()
      }
    }
    #expect(UInt64(bytes.count) == layout.fileSize)
    return bytes
  }

  @Test func writtenCoreReadsBack() throws {
    let core = try CoreFile(ByteView(copying: Self.small()))
    #expect(core.diagnostics == [])
    #expect(core.kind == .process)
    #expect(core.threads.map(\.status.threadID) == [100, 101])
    #expect(core.threads[1].registers[.rip] == 101 << 32 + 16)
    #expect(core.threads[0].signalInfo?.cause == .fault(VirtualAddress(0xdead_beef)))
    #expect(core.threads[0].notes.count == 3)
    #expect(core.threads[1].notes.count == 2)
    #expect(core.threads[1].extendedState?.count == 832)
    #expect(core.processInfo?.name == "subject")
    #expect(core.processInfo?.arguments == "subject with words")
    #expect(core.auxiliaryVector == [CoreAuxiliaryEntry(type: 6, value: 4096)])
    #expect(core.mappedFiles.map(\.path) == ["/bin/subject", "/lib/ü.so (deleted)"])
    #expect(core.mappedFiles[0].fileOffset == FileOffset(0x1000))
    #expect(core.segments.map(\.fileSize) == [0x1000, 0x3000])
    #expect(core.segments.map(\.memorySize) == [0x2000, 0x3000])
    #expect(core.segments.allSatisfy { $0.fileOffset.rawValue % 4096 == 0 })
  }

  @Test func readelfAcceptsTheWrittenCore() throws {
    let scratch = try ScratchDirectory()
    try scratch.write(Self.small(), to: "core")
    let text = try Tool.run("eu-readelf", "-n", "core", in: scratch)
    #expect(text.contains("fname: subject, psargs: subject with words"))
    #expect(text.contains("fault address: 0xdeadbeef"))
    #expect(text.contains("00400000-00402000 00001000 8192"))
    #expect(text.components(separatedBy: "PRSTATUS").count == 3)
    let warnings = try Tool.run("readelf", "-hlnW", "core", in: scratch)
    #expect(!warnings.lowercased().contains("warning") && !warnings.contains("rror:"))
  }

  @Test func everyTruncationKeepsTheReadablePart() throws {
    let whole = try Self.small()
    for step in 0..<100 {
      let length = whole.count * step / 100
      let cut = ByteView(copying: whole[..<length])
      let core: CoreFile
      do throws(ObjectError) {
        core = try CoreFile(cut)
      } catch {
        #expect(length < 64, "\(length): \(error)")
        continue
      }
      #expect(!core.diagnostics.isEmpty, "\(length)")
      #expect(core.segments.allSatisfy { $0.availableSize <= $0.fileSize })
      let available = core.segments.reduce(0) { $0 + $1.availableSize }
      if core.segments.count == 2 {
        let start = Int(core.segments[0].fileOffset.rawValue)
        #expect(available == UInt64(max(0, length - start)))
      }
    }
    // Cut in the second segment: all notes are there, and the report says what is missing.
    let core = try CoreFile(ByteView(copying: whole.dropLast(0x1800)))
    #expect(core.threads.count == 2)
    #expect(core.segments[1].availableSize == 0x1800)
    #expect(core.segments[1].isTruncated && !core.segments[0].isTruncated)
    #expect(
      core.diagnostics.map(\.message) == [
        "the file ends early: 6144 bytes of 1 segments are missing, first of segment 2 at "
          + "0x7fff0000"
      ])
  }

  @Test func notesCutInTheMiddle() throws {
    let whole = try Self.small()
    let note = try #require(try ELFImage(ByteView(copying: whole)).segments.first)
    let start = Int(note.fileOffset.rawValue)
    var threads: Set<Int> = []
    for length in stride(from: start, to: start + Int(note.fileSize), by: 7) {
      let core = try CoreFile(ByteView(copying: whole[..<length]))
      #expect(core.diagnostics.contains { $0.message.contains("bytes of notes lie in the file") })
      threads.insert(core.threads.count)
    }
    #expect(threads == [0, 1, 2])
  }

  @Test func flippedBytesNeverTrapOrHang() throws {
    let whole = try Self.small()
    let note = try #require(try ELFImage(ByteView(copying: whole)).segments.first)
    let end = UInt64(note.fileOffset.rawValue + note.fileSize)
    var generator = Xorshift(state: 0x1234_5678_9abc_def1)
    var usable = 0
    for _ in 0..<10_000 {
      var damaged = whole
      for _ in 0...(generator.next() % 3) {
        damaged[Int(generator.next() % end)] = UInt8(truncatingIfNeeded: generator.next())
      }
      do throws(ObjectError) {
        let core = try CoreFile(ByteView(copying: damaged))
        usable += core.threads.isEmpty ? 0 : 1
        _ = core.image.readNotes()
        _ = core.segments.filter { $0.contains(VirtualAddress(0x40_0000)) }
        for segment in core.segments {
          #expect(segment.availableSize <= segment.fileSize)
          #expect(segment.fileSize <= segment.memorySize)
          #expect(segment.lastAddress >= segment.address)
        }
      } catch {
        continue  // Refusing the file is as good.
      }
    }
    #expect(usable > 5000)
  }

  @Test func hugeNoteSizes() throws {
    let whole = try Self.small()
    let note = try #require(try ELFImage(ByteView(copying: whole)).segments.first)
    let start = Int(note.fileOffset.rawValue)
    for field in [0, 4] {
      var damaged = whole
      for index in 0..<4 { damaged[start + field + index] = 0xff }
      let core = try CoreFile(ByteView(copying: damaged))
      #expect(core.threads.isEmpty)
      #expect(core.diagnostics.contains { $0.offset == FileOffset(UInt64(start)) })
      #expect(core.segments.count == 2)
    }
  }

  @Test func impossibleSegmentsAreClamped() throws {
    var bytes = try Self.small()
    let header = 64 + 56  // The first PT_LOAD.
    for index in 0..<8 { bytes[header + 40 + index] = 0xff }  // p_memsz
    var core = try CoreFile(ByteView(copying: bytes))
    #expect(core.segments[0].memorySize == UInt64.max - 0x40_0000)
    #expect(core.segments[0].lastAddress == VirtualAddress(UInt64.max - 1))
    #expect(core.diagnostics.count == 1)

    bytes = try Self.small()
    for index in 0..<8 { bytes[header + 8 + index] = 0xff }  // p_offset
    core = try CoreFile(ByteView(copying: bytes))
    #expect(core.segments[0].availableSize == 0)
    #expect(core.segments[0].isTruncated)

    bytes = try Self.small()
    bytes[header + 32 + 1] = 0xff  // p_filesz: 0xff00, above p_memsz
    core = try CoreFile(ByteView(copying: bytes))
    #expect(core.segments[0].fileSize == core.segments[0].memorySize)
    #expect(core.diagnostics.count >= 1)
  }

  @Test func otherFilesAreNoCores() throws {
    let program = try ELFImageTests.load("/bin/sh")
    #expect(throws: ObjectError.notCore(type: .sharedObject)) { try CoreFile(program) }
  }
}

/// George Marsaglia's xorshift64: the same numbers in every run.
struct Xorshift {
  var state: UInt64

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }
}
