import Bytes
import Foundation
import ObjectFiles
import Symbols
import Testing
import Unwinding

/// What callers pass, compared with what `readelf` lists.
@Suite struct CallSiteTests {
  @Test(arguments: [["-O2"], ["-O2", "-gdwarf-4"]])
  func findsEveryCallSite(options: [String]) throws {
    let program = try DebugProgram(SamplePrograms.c, options: options)
    let debug = try DebugInformation(image: program.bytes, name: "program")
    let symbols = try ELFSymbols(images: [try ELFImage(program.bytes)])
    let addresses = GDBComparison.addresses(of: symbols, SamplePrograms.functions)
    let listing = try DebugProgram.run(["readelf", "-wi", program.path])
    var expected: Set<UInt64> = []
    var isCallSite = false
    for line in listing.split(separator: "\n") {
      if line.contains("Abbrev Number") {
        isCallSite =
          line.contains("(DW_TAG_call_site)") || line.contains("(DW_TAG_GNU_call_site)")
      }
      if isCallSite, line.contains("DW_AT_call_return_pc") || line.contains("DW_AT_low_pc"),
        let text = line.split(separator: ":").last,
        let address = UInt64(text.trimmingCharacters(in: .whitespaces).dropFirst(2), radix: 16)
      {
        expected.insert(address)
      }
    }
    let found = try (addresses + addresses.map { $0 + 1 }).filter {
      try debug.callSite(returnAddress: $0) != nil
    }
    #expect(Set(found) == expected)
    #expect(expected.count >= 5)
    try program.remove()
  }

  @Test func describesArguments() throws {
    let program = try DebugProgram(SamplePrograms.c, options: ["-O2"])
    let debug = try DebugInformation(image: program.bytes, name: "program")
    let symbols = try ELFSymbols(images: [try ELFImage(program.bytes)])
    let part = try #require(try debug.function(named: "part"))
    let sites = try part.ranges.flatMap { $0 }.compactMap {
      try debug.callSite(returnAddress: $0)
    }
    let site = try #require(sites.first { $0.originName == "callee" })
    #expect(!site.isTailCall)
    // part passes three arguments, 9 as the third (rdx, DWARF register 1).
    #expect(site.parameters.count == 3)
    let third = try #require(site.parameters.first { $0.location == [register(1, $0)] })
    #expect(third.value?.map(\.opcode.rawValue) == [0x39], "DW_OP_lit9")

    let indirect = try #require(symbols.symbol(named: "indirect"))
    let call = try (indirect.address..<indirect.address + indirect.size).compactMap {
      try debug.callSite(returnAddress: $0)
    }
    #expect(call.count == 1)
    #expect(call.first?.originName == nil)
    #expect(call.first?.target != nil)
    try program.remove()
  }

  private func register(_ number: UInt8, _ parameter: CallSite.Parameter) -> DWARFOperation {
    DWARFOperation(
      DWARFOpcode(rawValue: 0x50 + number), parameter.location.first?.operand1 ?? 0)
  }
}
