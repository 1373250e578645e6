import Bytes
import Foundation
import ObjectFiles
import Symbols
import TestWorlds
import Testing

/// glibc keeps `pthread_cond_wait` in two versions that are different functions.
@Suite struct SymbolVersionTests {
  private static let libc = "/usr/lib/x86_64-linux-gnu/libc.so.6"

  /// The addresses of the default version (`@@`) and of the others, by readelf.
  private func addresses(of name: String) throws -> (default: UInt64, old: [UInt64]) {
    var current: UInt64?
    var old: [UInt64] = []
    let directory = try ScratchDirectory()
    let table = try Tool.run("readelf", "--dyn-syms", "-W", Self.libc, in: directory)
    for line in table.split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard fields.count >= 8, let address = UInt64(fields[1], radix: 16) else { continue }
      if fields[7].hasPrefix(name + "@@") { current = address }
      if fields[7].hasPrefix(name + "@"), !fields[7].hasPrefix(name + "@@") { old.append(address) }
    }
    return (try #require(current), old)
  }

  @Test(arguments: ["pthread_cond_wait", "pthread_cond_timedwait", "memcpy"])
  func theDefaultVersionIsMeant(name: String) throws {
    let (expected, old) = try addresses(of: name)
    #expect(!old.isEmpty)
    let bytes = ByteView(copying: try Data(contentsOf: URL(fileURLWithPath: Self.libc)))
    let symbols = try ELFSymbols(images: [try ELFImage(bytes)])
    #expect(symbols.symbol(named: name)?.address == expected)
    #expect(Set(symbols.symbols(named: name).map(\.address)) == Set([expected] + old))
  }
}
