import Bytes
import ObjectFiles
import Symbols
import Testing

/// Entries found by name, and symbols by name and address.
@Suite struct NameLookupTests {
  @Test func findsByName() throws {
    let program = try DebugProgram(SamplePrograms.c, options: ["-O2"])
    let debug = try DebugInformation(image: program.bytes, name: "program")
    let symbols = try ELFSymbols(images: [try ELFImage(program.bytes)])

    let callee = try #require(try debug.function(named: "callee"))
    #expect(callee.entry == symbols.symbol(named: "callee")?.address)
    #expect(callee.location?.file == "../src/program.c")
    #expect(try debug.function(named: "twice") == nil, "only inlined")
    #expect(try debug.function(named: "absent") == nil)

    let records = try #require(try debug.globalVariable(named: "records"))
    #expect(records.address == symbols.symbol(named: "records")?.address)
    let counter = try #require(try debug.globalVariable(named: "counter"))
    #expect(counter.address == nil)
    #expect(counter.threadLocalOffset == symbols.symbol(named: "counter")?.address)

    for hint in [
      LookupHint.address(try #require(callee.entry)), .sourceFile("program.c"),
      .sourceFile("absent.c"), .address(1),
    ] {
      #expect(
        try debug.type(named: "record", kind: .structure, hint: hint)
          == debug.type(named: "record", kind: .structure))
    }
    #expect(try debug.type(named: "record", kind: .union) == nil)
    #expect(try debug.type(named: "callback", kind: .typedef) != nil)
    #expect(try debug.type(named: "int", kind: .base) != nil)
    #expect(
      try debug.type(named: "struct record")?.id == debug.type(named: "record", kind: .structure))
    #expect(try debug.type(named: "callback")?.id == debug.type(named: "callback", kind: .typedef))
    #expect(try debug.type(named: "int")?.size() == 4)
    #expect(try debug.type(named: "record") == nil, "C's tags have names of their own")
    let opaque = try #require(try debug.type(named: "opaque", kind: .structure))
    #expect(try TypeReference(debug, opaque).size() == nil)
    #expect(try debug.definition(of: opaque) == opaque)
    try program.remove()
  }

  @Test(arguments: [["-O2"], ["-O2", "-fcf-protection", "-Wl,-z,ibtplt"], ["-O2", "-Wl,-z,lazy"]])
  func namesAddressesAsGDB(options: [String]) throws {
    let source = """
      #include <stdio.h>
      #include <stdlib.h>
      static int helper(int n) { return n * 3; }
      int data[4] = {1};
      int shared(int n) { return helper(n) + data[n & 3]; }
      int main(int argc, char **argv) {
        puts(argv[0]); printf("%d %s", shared(argc), getenv("x")); return atoi(argv[0]);
      }
      """
    let program = try DebugProgram(source, options: options)
    let symbols = try ELFSymbols(images: [try ELFImage(program.bytes)])
    let image = try ELFImage(program.bytes)
    var addresses: [UInt64] = []
    for name in [".text", ".plt", ".plt.sec", ".plt.got", ".data"] {
      guard let section = image.section(named: name) else { continue }
      addresses += section.address.rawValue..<section.address.rawValue + section.size
    }
    let theirs = try DebugProgram.gdb(
      script: """
        import gdb
        for a in [\(addresses.map { String($0) }.joined(separator: ","))]:
          print(gdb.execute("info symbol %d" % a, to_string=True).split(" in section")[0].strip())
        """, program.path)
    var sawLinkage = false
    for (address, their) in zip(addresses, theirs) {
      let our = symbols.symbol(at: address).map { symbol, offset in
        offset == 0 ? symbol.name : "\(symbol.name) + \(offset)"
      }
      if their.hasPrefix("No symbol matches") {
        #expect(our == nil, "\(hex(address))")
      } else if our != their {
        // Where several symbols share an address, gdb's choice depends on where its own strings lie.
        let name = String(their.prefix { $0 != " " })
        let alias = symbols.symbols(named: name).map(\.address)
        let start = symbols.symbol(at: address).map(\.symbol.address)
        #expect(start.map(alias.contains) == true, "\(hex(address)): \(their) or \(our ?? "none")")
      }
      if our == "puts@plt" { sawLinkage = true }
    }
    #expect(sawLinkage)
    try program.remove()
  }

  @Test func strippedLibraryKeepsDynamicSymbols() throws {
    let symbols = try ELFSymbols(images: [try ELFImage(DebugProgram.bytes(of: LibC.path))])
    let puts = try #require(symbols.symbol(named: "puts"))
    #expect(puts.kind == .function)
    #expect(symbols.symbol(at: puts.address + 3)?.offset == 3)
    // `memcpy@@GLIBC_2.14` and `memcpy@GLIBC_2.2.5` are two symbols.
    #expect(symbols.symbols(named: "memcpy").count == 2)
    #expect(symbols.symbol(named: "errno")?.kind == .threadLocal)
  }
}
