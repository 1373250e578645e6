import Bytes
import TestWorlds
import Testing

@testable import ObjectFiles

@Suite struct ELFCoreWriterTests {
  @Test func manySegmentsNeedSectionZero() throws {
    var writer = ELFCoreWriter(machine: .x86_64)
    let registers = try #require(
      CoreRegisters(machine: .x86_64, values: Array(repeating: 5, count: 27)))
    try writer.addThread(CoreThreadStatus(threadID: 7), registers)
    for index in UInt64(0)..<70_000 {
      writer.addSegment(
        CoreOutputSegment(
          address: VirtualAddress(0x1000_0000 + index * 0x2000), memorySize: 0x1000,
          permissions: [.read], contents: .absent))
    }
    let bytes = try CoreDamageTests.bytes(writer.layout())
    let core = try CoreFile(ByteView(copying: bytes))
    #expect(core.image.header.programHeaderCount == 0xffff)
    #expect(core.segments.count == 70_000)
    #expect(core.segments.last?.address == VirtualAddress(0x1000_0000 + 69_999 * 0x2000))
    #expect(core.threads.count == 1)
    #expect(core.diagnostics == [])

    let scratch = try ScratchDirectory()
    try scratch.write(bytes, to: "core")
    let header = try Tool.run("readelf", "-hW", "core", in: scratch)
    #expect(header.contains("65535 (70001)"))
    let listing = try Tool.run("readelf", "-lW", "core", in: scratch)
    #expect(listing.split(separator: "\n").filter { $0.contains(" LOAD ") }.count == 70_000)

    // Without section 0 the least that PN_XNUM can mean is read, and said.
    var headless = bytes
    for index in 40..<48 { headless[index] = 0 }
    let partial = try CoreFile(ByteView(copying: headless))
    #expect(partial.segments.count == 65_534)
    #expect(partial.diagnostics.contains { $0.message.contains("PN_XNUM") })
  }

  @Test(.enabled(if: CoreSubject.kernelWritesCores)) func rewritesACoreWithOneMoreThread() throws {
    let (subject, core) = try CoreFileTests.open(CoreFileTests.abort)
    var writer = ELFCoreWriter(machine: core.machine)
    for note in core.notes { writer.addNote(note) }
    var registers = core.threads[0].registers
    registers[.rip] = 0x1234_5678
    var status = CoreThreadStatus(threadID: 999_999)
    status.parentID = 1
    try writer.addThread(status, registers)
    for segment in core.segments { writer.addSegment(CoreOutputSegment(copying: segment)) }
    let bytes = try CoreDamageTests.bytes(writer.layout(), input: core.image.bytes)

    let copy = try CoreFile(ByteView(copying: bytes))
    #expect(copy.diagnostics == [])
    #expect(copy.threads.count == 5)
    #expect(copy.threads[4].registers[.rip] == 0x1234_5678)
    #expect(copy.segments.map(\.address) == core.segments.map(\.address))
    #expect(copy.mappedFiles == core.mappedFiles)
    for (old, new) in zip(core.segments, copy.segments) {
      #expect(
        try core.image.bytes.subview(at: old.fileOffset.rawValue, count: old.fileSize).copy()
          == copy.image.bytes.subview(at: new.fileOffset.rawValue, count: new.fileSize).copy())
    }

    // gdb sees the same threads, and the new one.
    guard Tool.exists("gdb") else { return }
    try subject.directory.write(bytes, to: "rewritten.core")
    let text = try Tool.run(
      "gdb", "-q", "-nx", "-batch", subject.program, "-c", "rewritten.core", "-ex",
      "info threads", "-ex", "thread 5", "-ex", "p/x $rip", "-ex", "thread 1", "-ex", "bt",
      in: subject.directory)
    #expect(text.contains("LWP 999999"))
    #expect(text.contains("0x12345678"))
    #expect(text.contains("abort"))
    #expect(text.contains("main"))
  }

  @Test func impossibleSegmentsAreRefused() throws {
    var writer = ELFCoreWriter(machine: .x86_64)
    writer.addSegment(
      CoreOutputSegment(
        address: VirtualAddress(0x1000), memorySize: 1, permissions: .read,
        contents: .bytes(ByteView(copying: [1, 2]))))
    #expect(throws: ObjectError.self) { try writer.layout() }
    writer = ELFCoreWriter(machine: .x86_64)
    writer.addSegment(
      CoreOutputSegment(
        address: VirtualAddress(UInt64.max), memorySize: 2, permissions: .read, contents: .absent))
    #expect(throws: ObjectError.self) { try writer.layout() }
    writer = ELFCoreWriter(machine: .x86_64)
    writer.addSegment(
      CoreOutputSegment(
        address: VirtualAddress(0), memorySize: UInt64.max, permissions: .read,
        contents: .input(offset: FileOffset(0), count: UInt64.max)))
    #expect(throws: ObjectError.self) { try writer.layout() }
  }

  @Test func othersRegistersAreRefused() throws {
    var writer = ELFCoreWriter(machine: .x86_64)
    let registers = try #require(
      CoreRegisters(machine: .aarch64, values: Array(repeating: 5, count: 34)))
    #expect(throws: ObjectError.self) {
      try writer.addThread(CoreThreadStatus(threadID: 1), registers)
    }
    #expect(CoreRegisters(machine: .x86_64, values: [1]) == nil)
  }

  @Test func aarch64ThreadsReadBack() throws {
    var writer = ELFCoreWriter(machine: .aarch64)
    let values = (0..<34).map { UInt64($0) * 3 }
    let registers = try #require(CoreRegisters(machine: .aarch64, values: values))
    try writer.addThread(CoreThreadStatus(threadID: 4), registers)
    let layout = try writer.layout()
    let core = try CoreFile(ByteView(copying: layout.head))
    #expect(core.threads.first?.registers.aarch64(32) == 96)
    #expect(core.threads.first?.registers[.rip] == nil)
    #expect(core.threads.first?.statusNote.declaredSize == 392)
    let scratch = try ScratchDirectory()
    try scratch.write(layout.head, to: "core")
    let text = try Tool.run("eu-readelf", "-n", "core", in: scratch)
    #expect(CoreFileTests.value(after: "x30:", in: text) == 90)
    #expect(CoreFileTests.value(after: "pc:", in: text) == 96)
  }

  @Test func machinesDumpsAreTold() throws {
    func kind(_ owner: String, physical: UInt64 = 0) throws -> CoreKind {
      var writer = ELFCoreWriter(machine: .x86_64)
      writer.addNote(owner: owner, type: ELFNoteType(rawValue: 0), descriptor: [1, 2, 3])
      var segment = CoreOutputSegment(
        address: VirtualAddress(0xffff_8880_0000_0000), memorySize: 4096, permissions: .read,
        contents: .absent)
      segment.physicalAddress = PhysicalAddress(physical)
      writer.addSegment(segment)
      return try CoreFile(ByteView(copying: writer.layout().head)).kind
    }
    #expect(try kind("QEMU") == .machine)
    #expect(try kind("VMCOREINFO") == .machine)
    #expect(try kind("OTHER", physical: 0x1000) == .machine)
    #expect(try kind("OTHER") == .process)
  }
}
