import Bytes
import ObjectFiles
import TestWorlds
import Testing

@Suite struct KdumpHeaderTests {
  private var header: KdumpHeader {
    var header = KdumpHeader()
    header.name.system = "Linux"
    header.name.node = "guest"
    header.name.release = "6.1.0"
    header.name.version = "#1 SMP"
    header.name.machine = "x86_64"
    header.seconds = 1_700_000_000
    header.microseconds = 5
    header.status = KdumpHeader.Flag.zstd
    header.subheaderBlocks = 2
    header.bitmapBlocks = 64
    header.pageLimit = 0x10_0000
    header.cpuCount = 4
    return header
  }

  /// The header byte by byte.
  @Test func headerHasTheKernelsLayout() {
    let bytes = ByteView(copying: header.encoded())
    #expect(bytes.count == 464)
    #expect(String(decoding: bytes.clampedSubview(at: 0, count: 8)) == "KDUMP   ")
    var expected = ByteAssembler()
    expected.append("KDUMP   ".utf8)
    expected.number(UInt32(6))
    for text in ["Linux", "guest", "6.1.0", "#1 SMP", "x86_64", ""] {
      expected.append(text.utf8)
      expected.append(repeatElement(0, count: 65 - text.utf8.count))
    }
    expected.pad(to: 8)
    #expect(expected.count == 408)
    expected.number(UInt64(1_700_000_000))
    expected.number(UInt64(5))
    for word: UInt32 in [0x20, 4096, 2, 64, 0x10_0000, 0, 0, 0, 0, 4] { expected.number(word) }
    #expect(bytes.copy() == expected.bytes)
  }

  @Test func headersReadBack() throws {
    #expect(try KdumpHeader(ByteView(copying: header.encoded())) == header)
    var subheader = KdumpSubheader()
    subheader.physicalBase = UInt64(bitPattern: -490_733_568)
    subheader.dumpLevel = 31
    subheader.isSplit = true
    subheader.firstPage = 3
    subheader.endPage = 0x1_0000_0000_0
    subheader.vmcoreInfo = KdumpExtent(offset: 0x2000, count: 3000)
    subheader.notes = KdumpExtent(offset: 0x1068, count: 0x400)
    subheader.eraseInfo = KdumpExtent(offset: 1, count: 2)
    subheader.pageLimit = 0x2_0000_0000
    let bytes = ByteView(copying: subheader.encoded())
    #expect(bytes.count == 104)
    #expect(try KdumpSubheader(bytes, header: header) == subheader)
    #expect(try bytes.load(UInt64.self, at: 32) == 0x2000)
    #expect(try bytes.load(UInt64.self, at: 48) == 0x1068)
    #expect(try bytes.load(UInt64.self, at: 96) == 0x2_0000_0000)
  }

  @Test func olderVersionsHaveLess() throws {
    var subheader = KdumpSubheader()
    subheader.dumpLevel = 1
    subheader.vmcoreInfo = KdumpExtent(offset: 0x2000, count: 3000)
    subheader.notes = KdumpExtent(offset: 0x1068, count: 0x400)
    subheader.pageLimit = 7
    let bytes = ByteView(copying: subheader.encoded())
    var old = header
    old.version = 3
    let read = try KdumpSubheader(bytes, header: old)
    #expect(read.dumpLevel == 1)
    #expect(read.vmcoreInfo.count == 3000)
    #expect(read.notes.count == 0)
    #expect(read.pageLimit == 0x10_0000, "the main header's")
    // A version that has no more needs no more bytes.
    old.version = 0
    _ = try KdumpSubheader(bytes.clampedSubview(at: 0, count: 8), header: old)
  }

  @Test func damageIsNamed() {
    let whole = ByteView(copying: header.encoded())
    for cut: UInt64 in [0, 4, 8, 100, 463] {
      #expect(throws: ObjectError.self, "\(cut)") {
        try KdumpHeader(whole.clampedSubview(at: 0, count: cut))
      }
    }
    var other = header.encoded()
    other[0] = 0x58
    #expect(
      throws: ObjectError.invalid(
        what: "the dump's signature", offset: FileOffset(0), value: 0x2020_2050_4d55_4458)
    ) {
      try KdumpHeader(ByteView(copying: other))
    }
    #expect(throws: ObjectError.self) {
      try KdumpSubheader(ByteView(copying: [UInt8](repeating: 0, count: 103)), header: header)
    }
  }

  @Test func longTextsAreCut() throws {
    var long = header
    long.name.node = String(repeating: "n", count: 100)
    let read = try KdumpHeader(ByteView(copying: long.encoded()))
    #expect(read.name.node == String(repeating: "n", count: 64))
    #expect(read.name.release == "6.1.0")
  }

  @Test func descriptorsReadBack() throws {
    var bytes: [UInt8] = [0xff]
    var descriptor = KdumpPageDescriptor(offset: 0x1234_5678_9abc, size: 77, flags: 0x20)
    descriptor.pageFlags = 0xffff
    descriptor.encode(into: &bytes)
    #expect(bytes.count == 25)
    #expect(bytes[1...3] == [0xbc, 0x9a, 0x78])
    #expect(try KdumpPageDescriptor(ByteView(copying: bytes), at: 1) == descriptor)
  }

  @Test func partsLieInWholeBlocks() throws {
    let layout = try KdumpLayout(pageLimit: 32769, noteBytes: 3993)
    #expect(layout.subheader == 4096)
    #expect(layout.notes == 4096 + 104)
    #expect(layout.subheaderBlocks == 2)
    #expect(layout.firstBitmap == 3 * 4096)
    #expect(layout.bitmapBlocks == 2, "a block holds 32768 pages")
    #expect(layout.secondBitmap == 5 * 4096)
    #expect(layout.descriptors == 7 * 4096)
    #expect(layout.pages(after: 171) == 9 * 4096)
    #expect(layout.pages(after: 0) == 7 * 4096)
    #expect(try KdumpLayout(pageLimit: 32768, noteBytes: 3992).secondBitmap == 3 * 4096)
  }

  @Test func mapsThatLieAreRefused() {
    #expect(
      throws: ObjectError.limit(
        what: "the number of pages", value: 1 << 52, limit: KdumpLayout.pageLimitMaximum)
    ) {
      try KdumpLayout(pageLimit: 1 << 52, noteBytes: 0)
    }
    #expect(throws: ObjectError.self) { try KdumpLayout(pageLimit: 1, noteBytes: .max) }
  }
}
