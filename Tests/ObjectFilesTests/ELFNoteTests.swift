import Bytes
import Testing

@testable import ObjectFiles

@Suite struct ELFNoteTests {
  private func notes(
    _ bytes: [UInt8], alignment: UInt64 = 4
  ) -> (notes: [ELFNote], diagnostic: ELFDiagnostic?) {
    var reader = ELFNoteReader(
      ByteView(copying: bytes), base: FileOffset(0x100), alignment: alignment)
    var notes: [ELFNote] = []
    while let note = reader.next() { notes.append(note) }
    return (notes, reader.diagnostic)
  }

  private func note(
    name: [UInt8], descriptor: [UInt8], type: UInt32 = 7, alignment: Int = 4
  ) -> [UInt8] {
    var writer = ByteWriter()
    writer.append(UInt32(name.count))
    writer.append(UInt32(descriptor.count))
    writer.append(type)
    writer.append(contentsOf: name)
    writer.pad(to: alignment)
    writer.append(contentsOf: descriptor)
    writer.pad(to: alignment)
    return writer.bytes
  }

  private let gnu: [UInt8] = Array("GNU\0".utf8)

  @Test func oneAfterAnother() {
    let first = note(name: gnu, descriptor: [1, 2, 3])
    let (notes, diagnostic) = notes(first + note(name: Array("A\0".utf8), descriptor: []))
    #expect(notes.map(\.owner) == ["GNU", "A"])
    #expect(notes[0].descriptor.copy() == [1, 2, 3])
    #expect(notes[0].descriptorOffset == FileOffset(0x110))
    #expect(notes[1].offset == FileOffset(0x100 + UInt64(first.count)))
    #expect(diagnostic == nil)
  }

  @Test func alignmentOfEight() {
    let bytes =
      note(name: gnu, descriptor: [1, 2, 3, 4], alignment: 8)
      + note(name: gnu, descriptor: [5], alignment: 8)
    #expect(notes(bytes, alignment: 8).notes.map { $0.descriptor.copy() } == [[1, 2, 3, 4], [5]])
    #expect(notes(bytes, alignment: 8).diagnostic == nil)
  }

  @Test func ownersWithoutTheirNUL() {
    #expect(notes(note(name: Array("CORE".utf8), descriptor: [1])).notes[0].owner == "CORE")
  }

  @Test func lastPaddingMayLack() {
    let bytes = note(name: gnu, descriptor: [1, 2, 3]).dropLast()
    #expect(notes(Array(bytes)).notes.count == 1)
    #expect(notes(Array(bytes)).diagnostic == nil)
  }

  @Test func cutDescriptorSaysSo() {
    let bytes = note(name: gnu, descriptor: [1, 2, 3, 4]).dropLast(2)
    let (notes, diagnostic) = notes(Array(bytes))
    #expect(notes.map(\.isTruncated) == [true])
    #expect(notes[0].declaredSize == 4)
    #expect(diagnostic?.offset == FileOffset(0x100))
  }

  @Test func zerosAreAnEnd() {
    let padded = note(name: gnu, descriptor: [1]) + [UInt8](repeating: 0, count: 40)
    #expect(notes(padded).notes.count == 1)
    #expect(notes(padded).diagnostic == nil)
    let hidden = [UInt8](repeating: 0, count: 12) + note(name: gnu, descriptor: [1])
    #expect(notes(hidden).notes.isEmpty)
    #expect(notes(hidden).diagnostic != nil)
  }
}
