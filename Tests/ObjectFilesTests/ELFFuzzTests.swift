import Bytes
import TestWorlds
import Testing

@testable import ObjectFiles

/// Real files with bytes changed at random: whatever comes of it, no trap and no end of time.
@Suite struct ELFFuzzTests {
  /// An unstripped program with all kinds of sections.
  static let program = Result {
    let scratch = try ScratchDirectory()
    try scratch.write("int number; int main(void) { return number; }", to: "a.c")
    try Tool.run("gcc", "-g", "-gz=zlib", "a.c", "-o", "a", in: scratch)
    try Tool.run("objcopy", "--only-keep-debug", "a", "a.debug", in: scratch)
    try Tool.run("objcopy", "--add-gnu-debuglink=a.debug", "a", in: scratch)
    return try scratch.read("a")
  }

  @Test func filesWithFlippedBytes() throws {
    let whole = try Self.program.get()
    let sound = try ELFImage(ByteView(copying: whole))
    let table = Int(sound.header.sectionHeaderOffset.rawValue)
    let dynamic = try #require(sound.segments.first { $0.type == .dynamic })
    // Headers, section table, dynamic section, notes and links: what steers the reading.
    let places =
      Array(0..<1024) + Array(table..<whole.count)
      + Array(Int(dynamic.fileOffset.rawValue)..<Int(dynamic.fileOffset.rawValue) + 480)
    var generator = Xorshift(state: 99)
    var readable = 0
    for _ in 0..<3000 {
      var damaged = whole
      for _ in 0...(generator.next() % 4) {
        let place = places[Int(generator.next() % UInt64(places.count))]
        damaged[place] = UInt8(truncatingIfNeeded: generator.next())
      }
      do throws(ObjectError) {
        let image = try ELFImage(ByteView(copying: damaged))
        Self.visit(image)
        readable += 1
      } catch {
        continue  // Refusing the file is as good.
      }
    }
    #expect(readable > 2000)
  }

  /// Asks for everything; errors are answers, too.
  static func visit(_ image: ELFImage) {
    _ = image.readNotes()
    _ = image.buildID
    let questions: [() throws -> Void] = [
      { _ = try image.debugLink() }, { _ = try image.alternateDebugLink() },
      { _ = try image.ehFrame() }, { _ = try image.ehFrameHeader() },
      { _ = try image.debugFrame() },
      {
        let dynamic = try image.dynamicSection()
        _ = try dynamic?.soname()
        _ = try dynamic?.needed()
      },
      {
        guard let table = try image.symbolTable() else { return }
        for symbol in table.prefix(10) { _ = try table.name(of: symbol) }
      },
      { _ = try image.dynamicSymbolTable()?.count },
    ]
    for question in questions {
      do { try question() } catch { #expect(!"\(error)".isEmpty) }
    }
    for section in image.sections {
      do { _ = try image.compression(of: section) } catch { #expect(!"\(error)".isEmpty) }
    }
  }

  /// A program's loaded pages, as a process that means harm may have them.
  private struct Pages: Memory {
    let bytes: ByteView
    static let base = VirtualAddress(0x5555_0000_0000)

    func read(_ address: VirtualAddress, count: UInt64) throws(MemoryFault) -> ByteView {
      do throws(ByteError) {
        return try bytes.subview(at: address.rawValue &- Self.base.rawValue, count: count)
      } catch {
        throw MemoryFault(address: address, reason: .unmapped)
      }
    }

    func word(at address: VirtualAddress) throws(MemoryFault) -> UInt64 {
      try load(UInt64.self, at: address)
    }
  }

  @Test func loadedImagesWithFlippedBytes() throws {
    let whole = try Self.program.get()
    // The file's first pages are loaded at the same distances.
    let sound = try LoadedELFImage(at: Pages.base, memory: Pages(bytes: ByteView(copying: whole)))
    #expect(sound.bias == Pages.base.rawValue)
    #expect(sound.segments == (try ELFImage(ByteView(copying: whole)).segments))
    var generator = Xorshift(state: 1234)
    for _ in 0..<3000 {
      var damaged = whole
      for _ in 0...(generator.next() % 4) {
        damaged[Int(generator.next() % 1200)] = UInt8(truncatingIfNeeded: generator.next())
      }
      let memory = Pages(bytes: ByteView(copying: damaged))
      do throws(ObjectError) {
        let image = try LoadedELFImage(at: Pages.base, memory: memory)
        _ = image.extent
        let questions: [() throws -> Void] = [
          { _ = try image.buildID(in: memory) }, { _ = try image.ehFrameAddress(in: memory) },
          { _ = try image.dynamicSection(in: memory)?.needed() },
        ]
        for question in questions {
          do { try question() } catch { #expect(!"\(error)".isEmpty) }
        }
      } catch {
        continue
      }
    }
  }

  @Test func tooManyProgramHeadersInMemory() throws {
    var bytes = try Self.program.get()
    bytes[56] = 0xff
    bytes[57] = 0xff
    #expect(
      throws: ObjectError.limit(what: "number of program headers", value: 0xffff, limit: 512)
    ) { try LoadedELFImage(at: Pages.base, memory: Pages(bytes: ByteView(copying: bytes))) }
  }
}
