import Bytes
import MachineDumps
import ObjectFiles
import Targets
import TestWorlds
import Testing

/// A real guest's memory, from QEMU's own ELF dump into each kdump format.
@Suite(.enabled(if: LaboratoryManifest.problem == nil, "there is no laboratory"))
struct KdumpLaboratoryTests {
  let scratch: ScratchDirectory

  init() throws { scratch = try ScratchDirectory() }

  /// Compares what libkdumpfile reads from the dump with the segments of the ELF file, and prints
  /// what it knows of the kernel.
  private static let script = #"""
    import kdumpfile, struct, sys
    elf, dump = open(sys.argv[1], "rb"), kdumpfile.kdumpfile(sys.argv[2])
    header = elf.read(64)
    start, = struct.unpack_from("<Q", header, 32)
    count, = struct.unpack_from("<H", header, 56)
    elf.seek(start)
    segments = [struct.unpack("<IIQQQQQQ", elf.read(56)) for _ in range(count)]
    same = 0
    for kind, _, offset, _, address, size, _, _ in segments:
        if kind != 1:
            continue
        elf.seek(offset)
        for done in range(0, size, 1 << 20):
            part = elf.read(min(1 << 20, size - done))
            if dump.read(kdumpfile.KDUMP_MACHPHYSADDR, address + done, len(part)) != part:
                sys.exit(f"different at {address + done:#x}")
            same += len(part)
    print(same, dump.attr["arch"]["name"], dump.attr["cpu"]["number"])
    """#

  private func write(
    _ subject: String, _ format: VMCoreFormat
  ) throws -> (qmp: String, machine: Machine, summary: VMCoreSummary) {
    let subject = try LaboratoryManifest.subject(subject)
    let qmp = try #require(subject.truth["qmp_dump"])
    let machine = try MachineDump(opening: qmp).machine
    var options = VMCoreOptions(format: format)
    options.vmcoreInfo = machine.vmcoreInfo
    let summary = try VMCoreWriter(machine, options).write(to: scratch.file("dump"))
    return (qmp, machine, summary)
  }

  @Test(
    .enabled(if: KdumpReadersTests.hasLibrary, "python3-libkdumpfile isn't installed"),
    arguments: [VMCoreFormat.kdumpZlib, .kdumpLZO, .kdumpSnappy, .kdumpZstd])
  func everyPageIsEqual(format: VMCoreFormat) throws {
    let (qmp, machine, summary) = try write("vm-microvm-debug", format)
    try scratch.write(Self.script, to: "compare.py")
    let text = try Tool.run(
      "env", "PATH=/usr/bin:/bin", "python3", "compare.py", qmp, "dump", in: scratch)
    #expect(text == "\(summary.written) x86_64 \(machine.cpus.count)\n")
    #expect(summary.absent.isEmpty)
  }

  @Test(.enabled(if: Tool.exists("makedumpfile"), "makedumpfile isn't installed"))
  func makedumpfileReadsTheKernelLog() throws {
    let written = try write("vm-pc-256-debug", .kdumpLZO)
    try Tool.run("makedumpfile", "--dump-dmesg", "dump", "log", in: scratch)
    let log = String(decoding: try scratch.read("log"), as: UTF8.self)
    let info = String(decoding: try #require(written.machine.vmcoreInfo))
    let release = try #require(
      info.split(separator: "\n").first { $0.hasPrefix("OSRELEASE=") }
    ).dropFirst(10)
    #expect(log.contains("Linux version \(release) "))
  }
}
