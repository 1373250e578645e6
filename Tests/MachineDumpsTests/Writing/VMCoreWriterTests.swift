import Bytes
import Foundation
import Glibc
import HostSystem
import MachineDumps
import Synchronization
import Targets
import TestWorlds
import Testing

@Suite struct VMCoreWriterTests {
  private let scratch: ScratchDirectory

  init() throws { scratch = try ScratchDirectory() }

  @Test(arguments: VMCoreFormat.allCases) func isPrivateAndReplacesOnlyWhenTold(
    _ format: VMCoreFormat
  ) throws {
    let path = try scratch.write("old", to: "out")
    let machine = SyntheticMachine.machine(gap: .present)
    let writer = VMCoreWriter(machine, VMCoreOptions(format: format))
    #expect(throws: VMCoreError.host(.outputExists(path: path))) { try writer.write(to: path) }
    #expect(try scratch.read("out") == Array("old".utf8))
    let input = try MappedFile.open(path)
    #expect(throws: VMCoreError.host(.outputIsInput(path: path))) {
      try writer.write(to: path, inputs: [input.identity], replacing: true)
    }
    let summary = try writer.write(to: path, replacing: true)
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    #expect(attributes[.posixPermissions] as? Int == 0o600)
    #expect(attributes[.size] as? UInt64 == summary.fileSize)
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["out"])
  }

  @Test(arguments: VMCoreFormat.allCases) func noMemoryIsAnError(_ format: VMCoreFormat) throws {
    let machine = Machine(memory: PhysicalMemory([]), map: [], cpus: [])
    #expect(throws: VMCoreError.nothingToWrite(range: nil)) {
      try VMCoreWriter(machine, VMCoreOptions(format: format)).write(to: scratch.file("out"))
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == [])
  }

  /// Needs the right to mount a file system of one mebibyte.
  @Test(.enabled(if: geteuid() == 0), arguments: [VMCoreFormat.elf, .raw, .kdumpZlib])
  func aFullDiskLeavesNothingBehind(_ format: VMCoreFormat) throws {
    let directory = scratch.file("small")
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    try Tool.run("mount", "-t", "tmpfs", "-o", "size=1m", "none", directory, in: scratch)
    defer {
      #expect(throws: Never.self) { try Tool.run("umount", directory, in: scratch) }
    }
    // Bytes that don't pack well, so that a kdump is too big as well.
    var generator = SplitMix(state: 1)
    let bytes = (0..<(2 << 20)).map { _ in UInt8(truncatingIfNeeded: generator.next() >> 32) }
    let machine = Machine(
      memory: PhysicalMemory([SyntheticMachine.bytes(0, bytes)]),
      map: [SyntheticMachine.entry(0, UInt64(bytes.count), at: 0)], cpus: [])
    let path = directory + "/out"
    #expect(
      throws: VMCoreError.host(
        .system(call: "pwrite", path: path, code: .noSpace))
    ) {
      try VMCoreWriter(machine, VMCoreOptions(format: format)).write(to: path)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == [])
  }

  @Test(arguments: VMCoreFormat.allCases) func everyByteIsReleased(_ format: VMCoreFormat) throws {
    let released = Mutex<Set<ObjectIdentifier>>([])
    let machine = SyntheticMachine.machine(gap: .present)
    var writer = VMCoreWriter(machine, VMCoreOptions(format: format))
    writer.release = { view in
      released.withLock { _ = $0.insert(ObjectIdentifier(view.storage)) }
    }
    _ = try writer.write(to: scratch.file("out"))
    let expected = machine.memory.segments.compactMap { segment -> ObjectIdentifier? in
      guard case .bytes(let view) = segment.contents else { return nil }
      return ObjectIdentifier(view.storage)
    }
    #expect(released.withLock { $0 } == Set(expected))
  }

  @Test(arguments: [VMCoreFormat.elf, .raw]) func aStreamGetsTheSameBytes(
    _ format: VMCoreFormat
  ) throws {
    let machine = SyntheticMachine.machine(gap: .present)
    var options = VMCoreOptions(format: format)
    // Raw dumps have four gigabytes of nothing before their last block.
    options.range = PhysicalAddress(0)..<PhysicalAddress(0x20_0000)
    let writer = VMCoreWriter(machine, options)
    _ = try writer.write(to: scratch.file("file"))
    let descriptor = unsafe open(scratch.file("stream"), O_WRONLY | O_CREAT, 0o600)
    defer { close(descriptor) }
    _ = try writer.write(to: StreamOutput(duplicating: descriptor, path: "stream"))
    #expect(try scratch.read("stream") == scratch.read("file"))
  }

  @Test func kdumpsStreamFlattened() throws {
    let writer = VMCoreWriter(SyntheticMachine.machine(), VMCoreOptions(format: .kdumpZlib))
    let descriptor = unsafe open(scratch.file("stream"), O_WRONLY | O_CREAT, 0o600)
    defer { close(descriptor) }
    _ = try writer.write(to: StreamOutput(duplicating: descriptor, path: "stream"))
    #expect(try scratch.read("stream").starts(with: Array("makedumpfile".utf8)))
  }
}

/// Random numbers that are the same each time (splitmix64).
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }
}
