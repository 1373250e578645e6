import Bytes
import Foundation
import TestWorlds
import Testing

@testable import ObjectFiles

/// Real files of this machine, compared with what readelf says of them.
@Suite struct ELFImageTests {
  static func load(_ path: String) throws -> ByteView {
    ByteView(copying: try Data(contentsOf: URL(filePath: path)))
  }

  static let subjects = ["/bin/sh", "/usr/bin/gdb", "/lib/x86_64-linux-gnu/libc.so.6"]
    .filter { FileManager.default.fileExists(atPath: $0) }

  let scratch: ScratchDirectory

  init() throws { scratch = try ScratchDirectory() }

  @Test(arguments: subjects) func segmentsAsReadelfListsThem(path: String) throws {
    let image = try ELFImage(Self.load(path))
    #expect(image.diagnostics == [])
    let listing = try Tool.run("readelf", "-lW", path, in: scratch)
    let lines = Self.words(listing).filter { words in
      words.count >= 7 && words[1].hasPrefix("0x") && words[2].hasPrefix("0x")
    }
    #expect(lines.count == image.segments.count)
    for (line, segment) in zip(lines, image.segments) {
      let name = "\(segment.type)"
      #expect(name.hasPrefix("0x") || name == line[0])
      #expect(Self.number(line[1]) == segment.fileOffset.rawValue)
      #expect(Self.number(line[2]) == segment.address.rawValue)
      #expect(Self.number(line[3]) == segment.physicalAddress.rawValue)
      #expect(Self.number(line[4]) == segment.fileSize)
      #expect(Self.number(line[5]) == segment.memorySize)
      #expect(Self.number(line.last ?? "") == segment.alignment)
    }
  }

  @Test(arguments: subjects) func sectionsAsReadelfListsThem(path: String) throws {
    let image = try ELFImage(Self.load(path))
    let listing = try Tool.run("readelf", "-SW", path, in: scratch)
    var count = 0
    for line in listing.split(separator: "\n") {
      guard let close = line.firstIndex(of: "]"), let open = line.firstIndex(of: "["),
        let index = Int(line[line.index(after: open)..<close].filter { $0 != " " }), index > 0
      else { continue }
      let words = line[line.index(after: close)...].split(separator: " ")
      let section = image.sections[index]
      #expect(section.name == words[0])
      #expect(section.address.rawValue == UInt64(words[2], radix: 16))
      #expect(section.fileOffset.rawValue == UInt64(words[3], radix: 16))
      #expect(section.size == UInt64(words[4], radix: 16))
      count += 1
    }
    #expect(count == image.sections.count - 1)
  }

  @Test(arguments: subjects) func buildIDAndDynamicSection(path: String) throws {
    let image = try ELFImage(Self.load(path))
    let notes = try Tool.run("readelf", "-nW", path, in: scratch)
    let id = notes.split(separator: "\n").first { $0.contains("Build ID:") }?
      .split(separator: " ").last
    #expect(image.buildID.map { "\($0)" } == id.map(String.init))
    let dynamic = try #require(try image.dynamicSection())
    let listing = try Tool.run("readelf", "-dW", path, in: scratch)
    func bracketed(_ tag: String) -> [String] {
      listing.split(separator: "\n").filter { $0.contains("(\(tag))") }
        .compactMap { $0.split(separator: "[").last.map { String($0.dropLast()) } }
    }
    #expect(try dynamic.needed() == bracketed("NEEDED"))
    #expect(try dynamic.soname() == bracketed("SONAME").first)
  }

  @Test(arguments: subjects) func dynamicSymbols(path: String) throws {
    let table = try #require(try ELFImage(Self.load(path)).dynamicSymbolTable())
    let listing = try Tool.run("readelf", "--dyn-syms", "-W", path, in: scratch)
    let lines = Self.words(listing).filter { words in
      words.count >= 7 && words[0].last == ":" && Int(words[0].dropLast()) != nil
    }
    #expect(lines.count == table.count)
    for (line, symbol) in zip(lines, table) {
      #expect(symbol.value.rawValue == UInt64(line[1], radix: 16))
      #expect(symbol.size == Self.number(line[2]))
      #expect(symbol.isUndefined == (line[6] == "UND"))
      if line.count > 7, symbol.kind != .section {
        #expect(try table.name(of: symbol) == line[7].split(separator: "@")[0])
      }
    }
  }

  @Test func symbolsKindsAndBindings() throws {
    try scratch.write(
      """
      __attribute__((weak)) int weak_one(void) { return 1; }
      static int hidden(void) { return 2; }
      __thread int local_to_thread;
      int number = 5;
      int main(void) { return hidden() + weak_one() + local_to_thread; }
      """, to: "a.c")
    try Tool.run("gcc", "-O0", "a.c", "-o", "a", in: scratch)
    let image = try ELFImage(Self.load(scratch.file("a")))
    let table = try #require(try image.symbolTable())
    var found: [String: ELFSymbol] = [:]
    for symbol in table { found[try table.name(of: symbol)] = symbol }
    #expect(found["weak_one"]?.binding == .weak)
    #expect(found["hidden"]?.binding == .local)
    #expect(found["main"]?.kind == .function)
    #expect(found["number"]?.kind == .object)
    #expect(found["number"]?.size == 4)
    #expect(found["local_to_thread"]?.kind == .threadLocal)
    #expect(found["a.c"]?.kind == .file)
    // The function's code is where the symbol says: endbr64 or push %rbp.
    let main = try #require(found["main"])
    let code = try #require(image.loadedBytes(at: main.value, count: main.size))
    #expect(UInt64(code.count) == main.size)
  }

  @Test func unwindTablesWithAndWithoutSections() throws {
    try scratch.write("int main(void) { return 0; }", to: "a.c")
    try Tool.run("gcc", "-g", "a.c", "-o", "a", in: scratch)
    let image = try ELFImage(Self.load(scratch.file("a")))
    let section = try #require(image.section(named: ".eh_frame"))
    let table = try #require(try image.ehFrame())
    #expect(table.address == section.address)
    #expect(UInt64(table.bytes.count) == section.size)
    let header = try #require(try image.ehFrameHeader())
    #expect(header.address == image.section(named: ".eh_frame_hdr")?.address)
    #expect(try image.debugFrame() == nil)

    // Without section headers the segment leads to both.
    var bytes = image.bytes.copy()
    for index in 40..<48 { bytes[index] = 0 }
    let bare = try ELFImage(ByteView(copying: bytes))
    #expect(bare.sections == [])
    #expect(bare.buildID == image.buildID)
    #expect(try bare.ehFrameHeader()?.address == header.address)
    let found = try #require(try bare.ehFrame())
    #expect(found.address == section.address)
    #expect(found.bytes.clampedSubview(at: 0, count: section.size).copy() == table.bytes.copy())

    try Tool.run("gcc", "-g", "-fno-asynchronous-unwind-tables", "-c", "a.c", in: scratch)
    let object = try ELFImage(Self.load(scratch.file("a.o")))
    #expect(try object.debugFrame()?.bytes.isEmpty == false)
  }

  @Test(arguments: ["zlib", "zstd"]) func compressedSections(algorithm: String) throws {
    try scratch.write("int main(void) { return 0; }", to: "a.c")
    try Tool.run("gcc", "-g", "-c", "a.c", in: scratch)
    let plain = try ELFImage(Self.load(scratch.file("a.o")))
    let text = try Tool.run(
      "objcopy", "--compress-debug-sections=\(algorithm)", "a.o", "b.o", in: scratch,
      mayFail: true)
    // Without zstd support binutils says so.
    if !text.isEmpty, algorithm == "zstd" { return }
    let packed = try ELFImage(Self.load(scratch.file("b.o")))
    let section = try #require(packed.section(named: ".debug_info"))
    guard section.flags.contains(.compressed) else { return }
    let (header, bytes) = try #require(try packed.compression(of: section))
    #expect(header.algorithm == (algorithm == "zlib" ? .zlib : .zstd))
    #expect(header.uncompressedSize == plain.section(named: ".debug_info")?.size)
    #expect(UInt64(bytes.count) == section.size - 24)
  }

  @Test func debugLinksAsWritten() throws {
    try scratch.write("int main(void) { return 0; }", to: "a.c")
    try Tool.run("gcc", "-g", "a.c", "-o", "a", in: scratch)
    try Tool.run("objcopy", "--only-keep-debug", "a", "a.debug", in: scratch)
    try Tool.run(
      "objcopy", "--strip-debug", "--add-gnu-debuglink=a.debug", "a", "stripped", in: scratch)
    let stripped = try ELFImage(Self.load(scratch.file("stripped")))
    #expect(try stripped.debugLink()?.fileName == "a.debug")
    #expect(!stripped.isDebugFile)
    let debug = try ELFImage(Self.load(scratch.file("a.debug")))
    #expect(debug.isDebugFile)
    #expect(debug.buildID == stripped.buildID)
    #expect(debug.buildID != nil)
    #expect(try debug.debugLink() == nil)
    #expect(try debug.ehFrame() == nil)
    #expect(try debug.ehFrameHeader() == nil)
    #expect(try debug.dynamicSection() == nil)
    #expect(try debug.symbolTable() != nil)
  }

  @Test func otherKindsAreNamed() throws {
    #expect(throws: ObjectError.notELF(found: [])) { try ELFImage(.empty) }
    #expect(throws: ObjectError.notELF(found: [0x23, 0x21, 0x2f, 0x62])) {
      try ELFImage(ByteView(copying: "#!/bin/sh".utf8))
    }
    var header = [UInt8](repeating: 0, count: 64)
    header.replaceSubrange(0..<4, with: [0x7f, 0x45, 0x4c, 0x46])
    header[4] = 1
    header[5] = 1
    header[18] = 3
    let error = #expect(throws: ObjectError.self) { try ELFImage(ByteView(copying: header)) }
    #expect(
      error?.description
        == "unsupported ELF file: 32-bit little-endian (i386); only 64-bit little-endian files "
        + "are read")
    header[4] = 2
    header[5] = 2
    header[18] = 0
    header[19] = 22
    #expect(
      throws: ObjectError.unsupported(
        reason: "64-bit big-endian (s390x); only 64-bit little-endian files are read")
    ) { try ELFImage(ByteView(copying: header)) }
    let short = ByteView(copying: [0x7f, 0x45, 0x4c, 0x46, 2, 1])
    let damage = #expect(throws: ObjectError.self) { try ELFImage(short) }
    guard case .damaged("ELF header", _, _) = damage else {
      Issue.record("\(String(describing: damage))")
      return
    }
  }

  @Test func brokenSectionTableCostsOnlySections() throws {
    var bytes = try Self.load("/bin/sh").copy()
    for index in 40..<48 { bytes[index] = 0xff }
    let image = try ELFImage(ByteView(copying: bytes))
    #expect(image.sections == [])
    #expect(image.diagnostics.count == 1)
    #expect(image.segments.count > 5)
    #expect(image.buildID == (try ELFImage(Self.load("/bin/sh")).buildID))
  }

  @Test func buildIDsFromText() {
    #expect(BuildID(hex: "00aBff")?.bytes == [0, 0xab, 0xff])
    #expect(BuildID(hex: "00abff")?.description == "00abff")
    for text in ["", "0", "xy", "+1", "0x12", "١٢", String(repeating: "00", count: 65)] {
      #expect(BuildID(hex: text) == nil)
    }
  }

  /// The words of each line.
  static func words(_ text: String) -> [[Substring]] {
    text.split(separator: "\n").map { line in line.split(whereSeparator: \.isWhitespace) }
  }

  static func number(_ text: Substring) -> UInt64? {
    text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text)
  }
}
