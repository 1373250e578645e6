import Bytes
import LinuxGuest
import Symbols
import TestWorlds
import Testing

/// The log of kernels up to 5.9.
@Suite struct PrintkBufferTests {
  static func layout(hasCaller: Bool, byTypes: Bool) throws -> PrintkBufferLayout {
    byTypes
      ? try PrintkBufferLayout(types: BTFTypes(PrintkTypes.buffer(hasCaller: hasCaller).view))
      : try PrintkBufferLayout(
        VMCoreInfo(text: PrintkBufferWorld.vmcoreInfo(hasCaller: hasCaller)))
  }

  static func read(
    _ world: PrintkBufferWorld, patching patches: [Int: [UInt8]] = [:], byTypes: Bool = false
  ) throws -> KernelLog {
    try PrintkBuffer(
      layout(hasCaller: world.hasCaller, byTypes: byTypes),
      at: PrintkBufferPlace(
        address: VirtualAddress(PrintkBufferWorld.address), size: UInt64(world.bytes.count),
        first: UInt64(world.first), next: UInt64(world.next), firstSequence: world.firstSequence),
      in: world.memory(patching: patches)
    ).log()
  }

  @Test(arguments: [false, true], [false, true])
  func readsAllOfARecord(hasCaller: Bool, byTypes: Bool) throws {
    var world = PrintkBufferWorld(hasCaller: hasCaller)
    world.log("Linux version", level: 5)
    world.log("up", level: 4, dictionary: "SUBSYSTEM=net\0DEVICE=n2")
    world.log("")
    let log = try Self.read(world, byTypes: byTypes)
    #expect(log.form == .buffer)
    #expect(log.records.map(\.text) == ["Linux version", "up", ""])
    #expect(log.records.map(\.sequence) == [0, 1, 2])
    #expect(log.records.map(\.nanoseconds) == [1_000_000, 2_000_000, 3_000_000])
    #expect(log.records.map(\.level) == [5, 4, 6])
    #expect(log.records.map { $0.device?.subsystem } == [nil, "net", nil])
    #expect(log.records[1].device?.name == "n2")
    #expect(log.records[0].origin == (hasCaller ? LogOrigin(cpu: 1) : LogOrigin()))
    #expect(log.diagnostics == [])
  }

  @Test func anEmptyBufferIsNotDamaged() throws {
    #expect(try Self.read(PrintkBufferWorld()) == KernelLog(form: .buffer, records: []))
  }

  @Test(arguments: [1, 5, 16, 43]) func recordsGoRound(step: Int) throws {
    var world = PrintkBufferWorld()
    for index in 0..<200 {
      world.log(String(repeating: "\(index % 10)", count: index * step % 100))
      let log = try Self.read(world)
      #expect(log.records.map(\.text) == world.expected.map(\.text), "after \(index)")
      #expect(log.records.map(\.sequence) == world.expected.map(\.sequence), "after \(index)")
      #expect(log.diagnostics == [], "after \(index)")
    }
    #expect(world.firstSequence > 100)
  }

  // MARK: Damage

  /// Lengths that can't be: the walk goes on at the next record.
  @Test(arguments: [1, 15, 0xffff]) func aDamagedRecordCostsOnlyItself(length: Int) throws {
    var world = PrintkBufferWorld(size: 4096)
    for index in 0..<20 { world.log("line \(index)") }
    let log = try Self.read(
      world, patching: [world.start(of: 5) + 8: little(UInt16(length))])
    let rest = (0..<20).filter { $0 != 5 }
    #expect(log.records.map(\.text) == rest.map { "line \($0)" })
    #expect(log.records.map(\.sequence) == rest.map(UInt64.init))
    #expect(log.damage.count == 1)
    #expect(
      log.diagnostics == [
        "log record at offset \(world.start(of: 5)): its length can't be \(length)"
      ])
  }

  @Test func anEndTooEarlyIsTold() throws {
    var world = PrintkBufferWorld(size: 4096)
    for index in 0..<20 { world.log("line \(index)") }
    let log = try Self.read(
      world, patching: [world.start(of: 5): [UInt8](repeating: 0, count: 16)])
    #expect(log.records.count == 5)
    #expect(log.damage.count == 1)
  }

  @Test func placesBeyondTheBufferAreRefused() throws {
    let layout = try Self.layout(hasCaller: false, byTypes: false)
    for (size, first, next) in [
      (UInt64(0), UInt64(0), UInt64(0)), (1 << 32, 0, 0), (64, 64, 0), (64, 0, 64),
    ] {
      #expect(throws: KernelLogError.self) {
        try PrintkBuffer(
          layout,
          at: PrintkBufferPlace(
            address: VirtualAddress(0), size: size, first: first, next: next, firstSequence: nil),
          in: SparseMemory())
      }
    }
  }

  /// Whatever the bytes are, reading ends.
  @Test func damageAtRandomHarmsNothing() throws {
    var random = SystemRandomNumberGenerator()
    var world = PrintkBufferWorld()
    for index in 0..<80 { world.log("line \(index)") }
    for _ in 0..<200 {
      var patches: [Int: [UInt8]] = [:]
      for _ in 0..<Int.random(in: 1..<8, using: &random) {
        patches[Int.random(in: 0..<1024, using: &random)] = [.random(in: 0...255, using: &random)]
      }
      let log = try Self.read(world, patching: patches)
      #expect(log.records.count <= 64)
    }
  }
}
