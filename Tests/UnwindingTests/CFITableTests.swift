import Bytes
import TestWorlds
import Testing

@testable import Unwinding

@Suite struct CFITableTests {
  private static let headerAddress: UInt64 = 0x9_0000

  /// Functions at 0x4000, 0x4100, … of 0x80 bytes each, whose CFA offsets tell them apart.
  private func functions(_ count: UInt64, terminated: Bool = true) -> CFIAssembler {
    var section = CFIAssembler()
    let cie = section.cie()
    // The order in the section is not that of the addresses.
    for index in (0..<count).reversed() {
      let start = 0x4000 + 0x100 * index
      section.fde(cie: cie, start..<start + 0x80, [0x0e] + uleb(16 * (index + 1)))
    }
    if terminated { section.terminator() }
    return section
  }

  private func table(_ section: CFIAssembler, header: ByteView? = nil) throws -> CFITable {
    CFITable(
      CFISection(.ehFrame, section.view, address: VirtualAddress(section.address)),
      header: try header.map {
        try EHFrameHeader($0, address: VirtualAddress(Self.headerAddress))
      })
  }

  private func checkAll(_ table: CFITable, _ count: UInt64) throws {
    for index in 0..<count {
      let start = 0x4000 + 0x100 * index
      for address in [start, start + 0x7f] {
        #expect(
          try table.row(at: VirtualAddress(address))?.cfa
            == .registerOffset(RegisterNumber(7), Int64(16 * (index + 1))))
      }
      #expect(try table.row(at: VirtualAddress(start - 1)) == nil)
      #expect(try table.row(at: VirtualAddress(start + 0x80)) == nil)
    }
  }

  @Test("with and without the linker's table", arguments: [1, 2, 7, 64] as [UInt64])
  func lookup(count: UInt64) throws {
    let section = functions(count)
    try checkAll(try table(section), count)
    try checkAll(try table(section, header: section.header(at: Self.headerAddress)), count)
  }

  @Test("a lying table changes no answer")
  func lyingHeader() throws {
    let section = functions(9)
    let honest = try table(section)
    let fdes = honest.codeRanges.map(\.lowerBound.rawValue)
    let header = try EHFrameHeader(
      section.header(at: Self.headerAddress), address: VirtualAddress(Self.headerAddress))
    let addresses = fdes.map { header.fdeAddress(for: VirtualAddress($0)) ?? 0 }
    let lies: [[(start: UInt64, fde: UInt64)]] = [
      [],  // nothing
      zip(fdes, addresses).reversed().map { ($0, $1) },  // unsorted
      zip(fdes, addresses.reversed()).map { ($0, $1) },  // the wrong FDEs
      fdes.map { ($0, section.address) },  // the CIE
      fdes.map { ($0, section.address + 3) },  // the middle of an entry
      fdes.map { ($0, 0x1_0000) },  // outside
      [(fdes[0], addresses[0])],  // incomplete
    ]
    for lie in lies {
      try checkAll(
        try table(section, header: section.header(at: Self.headerAddress, entries: lie)), 9)
    }
  }

  @Test("a table that claims more entries than it has is cut")
  func headerCount() throws {
    let section = functions(3)
    var bytes = section.header(at: Self.headerAddress).copy()
    bytes.replaceSubrange(8..<12, with: little(UInt32.max))
    let header = try EHFrameHeader(
      ByteView(copying: bytes), address: VirtualAddress(Self.headerAddress))
    #expect(header.count == 3)
    #expect(header.ehFrameAddress == VirtualAddress(section.address))
  }

  @Test("overlapping FDEs: the one that starts last answers, and a long one isn't forgotten")
  func overlap() throws {
    var section = CFIAssembler()
    let cie = section.cie()
    section.fde(cie: cie, 0x4000..<0x5000, [0x0e, 16])
    section.fde(cie: cie, 0x4100..<0x4110, [0x0e, 24])
    section.fde(cie: cie, 0x4200..<0x4210, [0x0e, 32])
    let table = try table(section)
    for (address, offset) in [
      (0x4000, 16), (0x4100, 24), (0x4110, 16), (0x4200, 32), (0x4fff, 16),
    ] as [(UInt64, Int64)] {
      #expect(
        try table.row(at: VirtualAddress(address))?.cfa
          == .registerOffset(RegisterNumber(7), offset))
    }
  }

  /// Every pointer format, relative to nothing, to itself, to text, to data; aligned; indirect.
  @Test("pointer encodings")
  func encodings() throws {
    let target: UInt64 = 0x4000
    let bases = PointerBases(
      text: VirtualAddress(0x1000), data: VirtualAddress(0x2000),
      loadPointer: { $0 == VirtualAddress(0x3000) ? target : nil })
    // The CIE takes 32 bytes, and the FDE's pointer comes 8 bytes later.
    for (format, store) in Self.formats {
      for (base, origin) in [(0x00, 0), (0x20, 0x1000), (0x30, 0x2000)] as [(UInt8, Int64)] {
        try check(
          format | base, store(Int64(target) - origin) + store(0x80), bases, address: 0x100)
      }
      let itself: Int64 = 0x100 + 24 + 8
      try check(format | 0x10, store(Int64(target) - itself) + store(0x80), bases, address: 0x100)
      try check(format | 0x80, store(0x3000) + store(0x80), bases, address: 0x100)
    }
    // Aligned pointers: the section lies so that three bytes are skipped.
    try check(
      0x50, [0, 0, 0] + little(target) + little(UInt64(0x80)), bases, address: 0x105)
  }

  private static let formats: [(UInt8, @Sendable (Int64) -> [UInt8])] = [
    (0x00, { little($0) }), (0x01, { uleb(UInt64(bitPattern: $0)) }),
    (0x02, { little(UInt16(truncatingIfNeeded: $0)) }),
    (0x03, { little(UInt32(truncatingIfNeeded: $0)) }), (0x04, { little($0) }),
    (0x08, { little($0) }), (0x09, { sleb($0) }),
    (0x0a, { little(Int16(truncatingIfNeeded: $0)) }),
    (0x0b, { little(Int32(truncatingIfNeeded: $0)) }), (0x0c, { little($0) }),
  ]

  private func check(
    _ encoding: UInt8, _ pointers: [UInt8], _ bases: PointerBases, address: UInt64
  ) throws {
    var section = CFIAssembler(address: address)
    var cie = CFIAssembler.CIE()
    cie.pointerEncoding = encoding
    let offset = section.cie(cie)
    try #require(section.section.count == 24)
    section.fde(cie: offset, 0..<0, [], pointers: pointers)
    let table = CFITable(
      CFISection(.ehFrame, section.view, address: VirtualAddress(address)), bases: bases)
    #expect(table.damage == nil, "\(hex(encoding))")
    #expect(
      table.codeRanges == [VirtualAddress(0x4000)..<VirtualAddress(0x4080)], "\(hex(encoding))")
  }

  @Test(
    "encodings that can't be followed are errors, not addresses",
    arguments: [0x05, 0x0f, 0x60, 0x70, 0x20, 0x30, 0x40, 0x80, 0xff] as [UInt8])
  func badEncodings(encoding: UInt8) throws {
    var section = CFIAssembler()
    var cie = CFIAssembler.CIE()
    cie.pointerEncoding = encoding
    section.fde(cie: section.cie(cie), 0..<0, [], pointers: little(UInt64(1)) + little(UInt64(1)))
    let table = try table(section)
    #expect(table.codeRanges.isEmpty)
    #expect(table.damage == .unsupportedPointerEncoding(encoding, entry: 24))
  }

  @Test("CIE versions, augmentations and sizes")
  func versions() throws {
    func row(_ change: (inout CFIAssembler.CIE) -> Void) throws -> UnwindRow? {
      var section = CFIAssembler()
      var cie = CFIAssembler.CIE()
      change(&cie)
      section.fde(cie: section.cie(cie), 0x4000..<0x4080, [])
      let table = try table(section)
      if let damage = table.damage { throw damage }
      return try table.row(at: VirtualAddress(0x4000))
    }
    for version in [1, 3, 4] as [UInt8] {
      #expect(try row { $0.version = version } != nil)
    }
    #expect(throws: UnwindError.unsupportedVersion(2, entry: 0)) { try row { $0.version = 2 } }
    #expect(try row { $0.augmentation = "zRS" }?.isSignalFrame == true)
    #expect(try row { $0.augmentation = "" } != nil)
    #expect(try row { $0.augmentation = "eh" } != nil)
    #expect(try row { $0.augmentation = "S" }?.isSignalFrame == true)
    // Personality (any encoding, even one that can't be followed), LSDA encoding, then R.
    #expect(
      try row {
        $0.augmentation = "zPLR"
        $0.augmentationData = [0x9b, 1, 2, 3, 4, 0x1b, 0x1b]
      } != nil)
    #expect(
      try row {
        $0.augmentation = "zLPR"
        $0.augmentationData = [0xff, 0xff, 0x1b]
      } != nil)
    #expect(try row { $0.augmentation = "zRBG" } != nil)
    #expect(try row { $0.augmentation = "zRX" } != nil)
    #expect(throws: UnwindError.unsupportedAugmentation(letter: 0x58, entry: 0)) {
      try row { $0.augmentation = "zXR" }
    }
    #expect(throws: UnwindError.unsupportedAugmentation(letter: 0x52, entry: 0)) {
      try row { $0.augmentation = "R" }
    }
    #expect(throws: UnwindError.unsupportedAddressSize(2, entry: 0)) {
      try row {
        $0.version = 4
        $0.addressSize = 2
      }
    }
  }

  @Test(".debug_frame in 32-bit and 64-bit DWARF, with segments", arguments: [false, true])
  func debugFrame(is64Bit: Bool) throws {
    var section = CFIAssembler(isEHFrame: false, is64Bit: is64Bit, address: 0)
    var cie = CFIAssembler.CIE()
    cie.version = 4
    cie.augmentation = ""
    cie.segmentSize = 2
    // A CIE that isn't at the start, so that its offset matters.
    section.cie()
    section.fde(cie: section.cie(cie), 0x4000..<0x4080, [0x0e, 32])
    let table = CFITable(CFISection(.debugFrame, section.view))
    let row = try #require(try table.row(at: VirtualAddress(0x4000)))
    #expect(row.cfa == .registerOffset(RegisterNumber(7), 32))
    #expect(row.evidence == .debugFrame)
    #expect(
      try table.codeRange(containing: VirtualAddress(0x407f))
        == VirtualAddress(0x4000)..<VirtualAddress(0x4080))
  }

  @Test("64-bit .eh_frame keeps 4-byte CIE pointers")
  func ehFrame64() throws {
    var section = CFIAssembler(is64Bit: true)
    section.cie()
    section.fde(cie: section.cie(), 0x4000..<0x4080, [0x0e, 32])
    #expect(
      try table(section).row(at: VirtualAddress(0x4000))?.cfa
        == .registerOffset(RegisterNumber(7), 32))
  }

  @Test("nothing is read behind the terminator, and damage leaves the rest readable")
  func damage() throws {
    var section = functions(2)
    section.fde(cie: 0, 0x8000..<0x8010, [])
    #expect(try table(section).row(at: VirtualAddress(0x8000)) == nil)

    let whole = functions(3, terminated: false)
    // The last entry's length reaches beyond the section.
    let cut = ByteView(copying: whole.section.bytes.dropLast(8))
    let table = CFITable(
      CFISection(.ehFrame, cut, address: VirtualAddress(whole.address)))
    let last = UInt64(whole.section.count) - 24
    #expect(table.damage == .lengthBeyondSection(length: 20, entry: last))
    #expect(try table.row(at: VirtualAddress(0x4000)) == nil)
    #expect(try table.row(at: VirtualAddress(0x4200)) != nil)
  }

  @Test("an FDE whose CIE is not one")
  func noCIE() throws {
    var section = CFIAssembler()
    let first = section.fde(cie: section.cie(), 0x4000..<0x4010, [])
    let second = section.fde(cie: first, 0x5000..<0x5010, [])
    let table = try table(section)
    #expect(table.damage == .notACIE(offset: UInt64(first), entry: UInt64(second)))
    #expect(try table.row(at: VirtualAddress(0x4000)) != nil)
  }

  @Test("a chain asks table after table")
  func chain() throws {
    let first = try table(functions(1))
    let second = try table(functions(2))
    let chain = UnwindTableChain([first, second])
    #expect(try chain.row(at: VirtualAddress(0x4100)) != nil)
    #expect(try chain.row(at: VirtualAddress(0x4200)) == nil)
  }
}
