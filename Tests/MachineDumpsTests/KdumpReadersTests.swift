import Bytes
import Compression
import Foundation
import HostSystem
import MachineDumps
import ObjectFiles
import Targets
import TestWorlds
import Testing

/// What other people's readers find in Varve's kdumps.
@Suite struct KdumpReadersTests {
  let scratch: ScratchDirectory

  init() throws { scratch = try ScratchDirectory() }

  /// Whether Debian's Python has libkdumpfile's module (python3-libkdumpfile).
  static let hasLibrary: Bool = {
    do {
      try Tool.run(
        "env", "PATH=/usr/bin:/bin", "python3", "-c", "import kdumpfile", in: ScratchDirectory())
      return true
    } catch {
      return false
    }
  }()

  /// Prints, for each range of a table "first-page count", the SHA-256 of the pages that libkdumpfile
  /// reads there and how many it says are missing.
  private static let script = #"""
    import hashlib, kdumpfile, sys
    dump = kdumpfile.kdumpfile(sys.argv[1])
    for line in open("ranges"):
        first, count = map(int, line.split())
        digest, missing = hashlib.sha256(), 0
        for page in range(first, first + count):
            try:
                digest.update(dump.read(kdumpfile.KDUMP_MACHPHYSADDR, page * 4096, 4096))
            except kdumpfile.exceptions.NoDataException:
                missing += 1
        print(first, count, missing, digest.hexdigest())
    print(dump.attr["file"]["description"], dump.attr["max_pfn"])
    """#

  /// What libkdumpfile finds of `ranges` in the scratch directory's file `name`.
  private func read(_ name: String, _ ranges: [(first: UInt64, count: UInt64)]) throws -> [String] {
    try scratch.write(Self.script, to: "read.py")
    try scratch.write(
      ranges.map { "\($0.first) \($0.count)\n" }.joined(), to: "ranges")
    return try Tool.run(
      "env", "PATH=/usr/bin:/bin", "python3", "read.py", name, in: scratch
    ).split(separator: "\n").map(String.init)
  }

  /// The SHA-256 of `bytes` by sha256sum.
  private func digest(_ bytes: [UInt8]) throws -> String {
    try scratch.write(bytes, to: "plain")
    return String(try Tool.run("sha256sum", "plain", in: scratch).prefix(64))
  }

  @Test(
    .enabled(if: hasLibrary, "python3-libkdumpfile isn't installed"),
    arguments: PageCompression.allCases)
  func libraryReadsEveryPage(compression: PageCompression) throws {
    let machine = MachineBuilder.varied.machine
    try scratch.write(try writeKdump(machine, compression).bytes, to: "dump")
    let found = try read("dump", [(0, 1000), (0x10_0000, 16), (1000, 10)])
    let low = try machine.memory.read(PhysicalAddress(0), count: 1000 * 4096).copy()
    let high = try machine.memory.read(PhysicalAddress(1 << 32), count: 16 * 4096).copy()
    #expect(
      found == [
        "0 1000 0 \(try digest(low))", "1048576 16 0 \(try digest(high))",
        "1000 10 10 \(try digest([]))", "Compressed KDUMP 1048592",
      ])
  }

  @Test(.enabled(if: hasLibrary, "python3-libkdumpfile isn't installed"))
  func libraryMissesWhatIsAbsent() throws {
    var builder = MachineBuilder()
    builder.addMap(0, 100 * 4096)
    builder.add(0, MachineBuilder.page(0))
    builder.add(4096, 98 * 4096, .absent(.truncated))
    builder.add(99 * 4096, MachineBuilder.page(99))
    try scratch.write(try writeKdump(builder.machine).bytes, to: "dump")
    #expect(
      try read("dump", [(0, 1), (1, 98), (99, 1)]).prefix(3) == [
        "0 1 0 \(try digest(MachineBuilder.page(0)))", "1 98 98 \(try digest([]))",
        "99 1 0 \(try digest(MachineBuilder.page(99)))",
      ])
  }

  @Test(.enabled(if: Tool.exists("makedumpfile"), "makedumpfile isn't installed"))
  func makedumpfileRearrangesTheFlattenedForm() throws {
    let machine = MachineBuilder.varied.machine
    for filters in [false, true] {
      var options = VMCoreOptions(format: .kdumpLZO)
      options.filtersZeroPages = filters
      let writer = KdumpWriter(machine, compression: .lzo, options: options, notes: [])
      let plain = KdumpOutput()
      let flat = KdumpOutput()
      _ = try writer.write(to: plain)
      _ = try writer.write(to: FlattenedOutput(flat))
      try scratch.write(flat.bytes, to: "flat")
      try Tool.run("sh", "-c", "rm -f out; makedumpfile -R out < flat", in: scratch)
      #expect(try scratch.read("out") == plain.bytes)
    }
  }

  @Test func fileNamesTheKernel() throws {
    let info = ByteView(copying: "OSRELEASE=6.1.0-9-test\n".utf8)
    let (bytes, _) = try writeKdump(MachineBuilder.varied.machine) { $0.vmcoreInfo = info }
    try scratch.write(bytes, to: "dump")
    let text = try Tool.run("file", "-b", "dump", in: scratch)
    #expect(text.contains("Kdump compressed dump v6"))
    #expect(text.contains("release 6.1.0-9-test"))
    #expect(text.contains("machine x86_64"))
  }

  @Test(.enabled(if: Tool.exists("crash"), "crash isn't installed"), arguments: [false, true])
  func crashFindsTheKernelText(flattens: Bool) throws {
    var options = VMCoreOptions(format: .kdumpSnappy)
    options.vmcoreInfo = ByteView(copying: "OSRELEASE=6.1.0-9-test\n".utf8)
    let output = KdumpOutput()
    _ = try KdumpWriter(
      MachineBuilder.varied.machine, compression: .snappy, options: options, notes: []
    ).write(to: flattens ? FlattenedOutput(output) : output)
    try scratch.write(output.bytes, to: "dump")
    let text = try Tool.run("crash", "--osrelease", "dump", in: scratch)
    #expect(text.split(separator: "\n").last == "6.1.0-9-test")
  }
}
