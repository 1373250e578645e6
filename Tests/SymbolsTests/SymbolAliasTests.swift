import Bytes
import Foundation
import ObjectFiles
import Symbols
import TestWorlds
import Testing

/// Which of several symbols at one address names it: gdb decides by their names, and prefers a
/// function of the whole program to one of a single file that follows it.
@Suite struct SymbolAliasTests {
  private static let source = """
    int middle(void) { return 1; }
    extern __typeof__(middle) __middle __attribute__((alias("middle")));
    extern __typeof__(middle) another_middle __attribute__((weak, alias("middle")));

    int gone(void) { return 2; }
    static __typeof__(gone) hidden __attribute__((alias("gone"), used));

    static __attribute__((used, noinline)) int aaa(void) { return 3; }
    static __typeof__(aaa) bbb __attribute__((alias("aaa"), used));

    int zone(void) { return 4; }
    static __typeof__(zone) away __attribute__((alias("zone"), used));

    int main(void) { return 0; }
    """

  @Test func namesAreThoseThatGDBPrints() throws {
    let scratch = try ScratchDirectory()
    try scratch.write(Self.source, to: "aliases.c")
    try Tool.run("gcc", "-O1", "aliases.c", "-o", "aliases", in: scratch)
    let data = try Data(contentsOf: URL(filePath: scratch.file("aliases")))
    let symbols = try ELFSymbols(images: [try ELFImage(ByteView(copying: data))])
    for (name, expected) in [
      ("middle", "middle"), ("gone", "gone"), ("aaa", "bbb"), ("zone", "zone"),
    ] {
      let address = try #require(symbols.symbol(named: name)).address
      let answer = try Tool.run(
        "gdb", "-nx", "-batch", "-ex", "info symbol \(address)", "aliases", in: scratch)
      #expect(answer.hasPrefix(expected + " in section .text"), "gdb says \(answer)")
      #expect(symbols.symbol(at: address)?.symbol.name == expected)
      #expect(symbols.symbol(at: address + 1)?.offset == 1)
    }
  }
}
