import Bytes
import Glibc
import HostSystem
import Targets
import TestWorlds
import Testing

@Suite struct PhysicalMemoryHolesTests {
  private let scratch: ScratchDirectory
  private let file: MappedFile

  /// A megabyte with data at 256 KiB (4 KiB) and at 512 KiB (8 KiB), and a last byte.
  init() throws {
    scratch = try ScratchDirectory()
    let output = try AtomicOutputFile(scratch.file("sparse"))
    let page = ByteView(copying: repeatElement(7, count: 4096))
    try output.write(page, at: 256 << 10)
    try output.write(page, at: 512 << 10)
    try output.write(page, at: (512 << 10) + 4096)
    try output.write(ByteView(copying: [9]), at: (1 << 20) - 1)
    try output.commit()
    file = try MappedFile.open(scratch.file("sparse"))
  }

  private func kinds(_ memory: PhysicalMemory) -> [String] {
    memory.segments.map { segment in
      let kind =
        switch segment.contents {
        case .bytes: "bytes"
        case .zeros: "zeros"
        case .source: "source"
        case .absent: "absent"
        }
      return "\(segment.start) \(segment.count) \(kind)"
    }
  }

  @Test func holesBecomeZeros() throws {
    // Some file systems know no holes.
    let data = try file.dataRanges()
    try #require(data.count == 3)
    let memory = try PhysicalMemory([
      PhysicalSegment(
        start: PhysicalAddress(0x10_0000), count: 1 << 20, contents: .bytes(file.bytes)),
      PhysicalSegment(
        start: PhysicalAddress(0x40_0000), count: 1 << 16,
        contents: .bytes(ByteView(copying: repeatElement(0, count: 1 << 16)))),
    ]).markingHoles(of: file)
    #expect(
      kinds(memory) == [
        "0x100000 262144 zeros", "0x140000 4096 bytes", "0x141000 258048 zeros",
        "0x180000 8192 bytes", "0x182000 512000 zeros", "0x1ff000 4096 bytes",
        "0x400000 65536 bytes",
      ])
    for place in [0, 0x3_ffff, 0x4_0000, 0x8_0000, 0xf_ffff] as [UInt64] {
      let expected = try file.bytes.subview(at: place, count: 1).copy()
      #expect(try memory.read(PhysicalAddress(0x10_0000 + place), count: 1).copy() == expected)
    }
  }

  /// As in cores by gdb, whose segments begin anywhere in the file: no guest page is divided.
  @Test func pagesStayWhole() throws {
    try #require(try file.dataRanges().count == 3)
    let view = try file.bytes.subview(at: 0xa60, count: 0xf_0000)
    let memory = try PhysicalMemory([
      PhysicalSegment(start: PhysicalAddress(0), count: 0xf_0000, contents: .bytes(view))
    ]).markingHoles(of: file)
    #expect(
      kinds(memory) == [
        "0x0 258048 zeros", "0x3f000 8192 bytes", "0x41000 253952 zeros", "0x7f000 12288 bytes",
        "0x82000 450560 zeros",
      ])
    #expect(try memory.read(PhysicalAddress(0), count: 0xf_0000).copy() == view.copy())
  }

  @Test func otherFilesAndSmallViewsStay() throws {
    let small = try file.bytes.subview(at: 0, count: 0x8000)
    let segment = PhysicalSegment(
      start: PhysicalAddress(0), count: 0x8000, contents: .bytes(small))
    #expect(kinds(try PhysicalMemory([segment]).markingHoles(of: file)) == ["0x0 32768 bytes"])
    let other = try MappedFile.open(scratch.file("sparse"))
    let whole = PhysicalSegment(
      start: PhysicalAddress(0), count: 1 << 20, contents: .bytes(file.bytes))
    #expect(kinds(try PhysicalMemory([whole]).markingHoles(of: other)) == ["0x0 1048576 bytes"])
  }
}
