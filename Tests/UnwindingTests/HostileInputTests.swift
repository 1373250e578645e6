import Bytes
import Foundation
import TestWorlds
import Testing

@testable import Unwinding

/// Damaged input may give errors, or rows that are no use, but must neither trap nor run for ever.
@Suite struct HostileInputTests {
  /// A repeatable sequence (SplitMix64), so that a failure can be found again.
  private struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var mixed = state
      mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
      mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
      return mixed ^ mixed >> 31
    }
  }

  /// The beginning of a real section, small enough to be walked thousands of times. The PLT's
  /// expression is in it.
  private func realSection() throws -> (bytes: [UInt8], address: VirtualAddress) {
    let sections = try ELFSections(try file("/lib64/ld-linux-x86-64.so.2"))
    let frame = try #require(sections[".eh_frame"])
    return (frame.bytes.clampedSubview(at: 0, count: 600).copy(), frame.address)
  }

  private func exercise(_ table: CFITable, _ memory: SparseMemory) {
    var registers = RegisterState()
    for number in 0...16 { registers[RegisterNumber(UInt16(number))] = 0x7f_0000 }
    for range in table.codeRanges {
      for address in [range.lowerBound, range.upperBound &- 1] {
        do throws(UnwindError) {
          guard let row = try table.row(at: address) else { continue }
          _ = try row.step(from: registers, memory: memory, architecture: .x86_64)
        } catch {
          // An error is as good an answer as any.
        }
      }
    }
    _ = table.damage
  }

  @Test("10,000 variants of a real .eh_frame with some bytes changed")
  func flippedBytes() throws {
    let (bytes, address) = try realSection()
    var memory = SparseMemory()
    memory.write([UInt8](repeating: 0x5a, count: 4096), at: 0x7f_0000)
    var generator = Generator(state: 1)
    for _ in 0..<10_000 {
      var variant = bytes
      for _ in 0..<Int.random(in: 1...8, using: &generator) {
        let index = Int.random(in: variant.indices, using: &generator)
        variant[index] = UInt8.random(in: 0...255, using: &generator)
      }
      exercise(
        CFITable(CFISection(.ehFrame, ByteView(copying: variant), address: address)), memory)
    }
  }

  @Test("1,000 variants of .eh_frame_hdr, and the same answers as without it")
  func flippedHeader() throws {
    var section = CFIAssembler()
    let cie = section.cie()
    for index in 0..<20 as Range<UInt64> {
      section.fde(cie: cie, 0x4000 + 64 * index..<0x4030 + 64 * index, [0x0e, UInt8(8 + index)])
    }
    let bytes = section.header(at: 0x9_0000).copy()
    let frame = CFISection(
      .ehFrame, section.view, address: VirtualAddress(section.address))
    let honest = CFITable(frame)
    var generator = Generator(state: 2)
    for _ in 0..<1000 {
      var variant = bytes
      for _ in 0..<Int.random(in: 1...8, using: &generator) {
        variant[Int.random(in: variant.indices, using: &generator)] ^=
          UInt8.random(in: 1...255, using: &generator)
      }
      let header: EHFrameHeader
      do throws(UnwindError) {
        header = try EHFrameHeader(
          ByteView(copying: variant), address: VirtualAddress(0x9_0000))
      } catch {
        continue
      }
      let table = CFITable(frame, header: header)
      for address in stride(from: 0x4010 as UInt64, to: 0x4500, by: 0x50) {
        #expect(
          try table.row(at: VirtualAddress(address)) == honest.row(at: VirtualAddress(address)))
      }
    }
  }

  @Test("random bytes as a section, as an expression, and every cut of a real section")
  func noise() throws {
    var generator = Generator(state: 3)
    let world = ExpressionWorld()
    for _ in 0..<3000 {
      let count = Int.random(in: 0...64, using: &generator)
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
      for kind in [CFISection.Kind.ehFrame, .debugFrame] {
        exercise(CFITable(CFISection(kind, ByteView(copying: bytes))), SparseMemory())
      }
      do throws(ExpressionError) {
        let operations = try DWARFExpression.decode(ByteView(copying: bytes))
        _ = try DWARFExpression.evaluate(operations, in: world, initial: [1, 2, 3])
      } catch {
        // As above.
      }
    }
    let (bytes, address) = try realSection()
    for count in bytes.indices {
      let cut = CFISection(.ehFrame, ByteView(copying: bytes.prefix(count)), address: address)
      exercise(CFITable(cut), SparseMemory())
    }
  }

  @Test("numbers at their limits")
  func limits() throws {
    // A range to the end of the address space, alignment factors at their limits, and advances
    // that run out of the address space.
    for (code, data) in [(UInt64.max, Int64.min), (0, 0), (.max, .max), (1 << 63, -1)] {
      var section = CFIAssembler()
      var cie = CFIAssembler.CIE()
      cie.pointerEncoding = 0
      cie.codeAlignment = code
      cie.dataAlignment = data
      let offset = section.cie(cie)
      section.fde(
        cie: offset, 0..<0, [0x7f, 0x02, 255, 0x83, 0x7f, 0x0e, 8],
        pointers: little(UInt64.max - 1) + little(UInt64(1)))
      section.fde(
        cie: offset, 0..<0, [], pointers: little(UInt64.max) + little(UInt64.max))
      let table = CFITable(CFISection(.ehFrame, section.view))
      exercise(table, SparseMemory())
      _ = Result { try table.row(at: VirtualAddress(.max)) }
    }
  }
}
