import Bytes
import ObjectFiles
import Symbols
import TestWorlds
import Testing

/// Truncated and overwritten debug files give errors or less information; they never end the
/// process.
@Suite struct DamagedDebugInformationTests {
  /// A generator of the same numbers each time (xorshift64*).
  private struct Numbers {
    var state: UInt64 = 0x9e37_79b9_7f4a_7c15
    mutating func next(below limit: Int) -> Int {
      state ^= state >> 12
      state ^= state << 25
      state ^= state >> 27
      return Int((state &* 0x2545_f491_4f6c_dd1d) >> 33) % limit
    }
  }

  /// Asks everything there is to ask; errors of the room's own are all that may come of it.
  private func exercise(_ bytes: [UInt8], _ addresses: [UInt64]) throws {
    do throws(SymbolError) {
      let debug = try DebugInformation(image: ByteView(copying: bytes), name: "damaged")
      for address in addresses {
        do throws(SymbolError) {
          _ = try debug.location(at: address)
          _ = try debug.callSite(returnAddress: address)
          for scope in try debug.frames(at: address) {
            let variables =
              try debug.variables(in: scope, at: address, arguments: true)
              + debug.variables(in: scope, at: address, arguments: false)
            for variable in variables {
              _ = try TypePrinter(graph: debug).name(of: variable.type)
              _ = try TypeReference(debug, variable.type).size()
            }
            _ = try debug.frameBase(of: scope, at: address)
          }
        } catch { continue }
      }
      _ = try debug.type(named: "record", kind: .structure)
      _ = try debug.globalVariable(named: "absent")
      _ = try debug.function(named: "main")
    } catch { return }
  }

  @Test(arguments: [["-O2"], ["-O2", "-gdwarf-4"]])
  func nothingTraps(options: [String]) throws {
    let program = try DebugProgram(SamplePrograms.c, options: options)
    let whole = try program.bytes.copy()
    let image = try ELFImage(program.bytes)
    let symbols = try ELFSymbols(images: [image])
    let addresses = GDBComparison.addresses(of: symbols, ["callee", "part", "main"])
      .enumerated().filter { $0.offset % 17 == 0 }.map(\.element)

    for step in 0..<16 { try exercise(Array(whole.prefix(whole.count * step / 16)), addresses) }

    var numbers = Numbers()
    let names = [".debug_info", ".debug_abbrev", ".debug_line", ".debug_aranges", ".debug_str"]
    for section in image.sections where names.contains(section.name) {
      for _ in 0..<16 {
        var bytes = whole
        for _ in 0..<3 {
          let place = Int(section.fileOffset.rawValue) + numbers.next(below: Int(section.size))
          bytes[place] = UInt8(numbers.next(below: 256))
        }
        try exercise(bytes, addresses)
      }
    }
    try program.remove()
  }

  @Test func noDebugInformationIsSaid() throws {
    #expect(throws: SymbolError.noDebugInformation(file: "libc")) {
      try DebugInformation(image: DebugProgram.bytes(of: LibC.path), name: "libc")
    }
    #expect(throws: SymbolError.self) {
      try DebugInformation(image: ByteView(copying: [1, 2, 3]), name: "noise")
    }
    #expect(throws: SymbolError.self) { try DebugInformation(image: .empty, name: "nothing") }
  }
}
