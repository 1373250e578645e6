import Bytes
import LinuxGuest
import Symbols
import TestWorlds
import Testing

/// Rings of texts and descriptors that are written as the kernel writes them.
@Suite struct PrintkRingTests {
  /// What describes the structures.
  enum Source: CaseIterable {
    case vmcoreInfo, types

    func layout() throws -> PrintkRingLayout {
      switch self {
      case .vmcoreInfo: try PrintkRingLayout(VMCoreInfo(text: PrintkRingWorld.vmcoreInfo))
      case .types: try PrintkRingLayout(types: BTFTypes(PrintkTypes.ring().view))
      }
    }
  }

  static func read(
    _ memory: SparseMemory, by source: Source = .vmcoreInfo
  ) throws -> KernelLog {
    try PrintkRing(
      source.layout(), at: VirtualAddress(PrintkRingWorld.ring), in: memory
    ).log()
  }

  static func expected(_ world: PrintkRingWorld) -> [LogRecord] {
    world.expected.map {
      LogRecord(
        sequence: $0.sequence, nanoseconds: $0.nanoseconds, level: $0.level,
        facility: $0.facility, isContinuation: $0.flags & 8 != 0,
        origin: $0.caller >> 31 == 1
          ? LogOrigin(cpu: $0.caller & 0x7fff_ffff) : LogOrigin(thread: $0.caller),
        device: LogDevice(
          subsystem: $0.subsystem.isEmpty ? nil : $0.subsystem,
          name: $0.device.isEmpty ? nil : $0.device), text: $0.text)
    }
  }

  @Test(arguments: Source.allCases) func readsAllOfARecord(_ source: Source) throws {
    var world = PrintkRingWorld()
    world.log("Linux version", level: 5, caller: 0)
    world.log("follows", level: 7, flags: 8, caller: 0x8000_0003)
    world.log("eth0: up", level: 4, subsystem: "net", device: "n2")
    world.log("a program speaks", level: 3, facility: 3, caller: 77)
    world.log("")
    world.log("one\ntwo")
    let log = try Self.read(world.memory, by: source)
    #expect(log.records == Self.expected(world))
    #expect(log.records.map(\.text) == world.expected.map(\.text))
    #expect(log.records[1].origin == LogOrigin(cpu: 3))
    #expect(log.records[1].isContinuation)
    #expect(log.records[2].device == LogDevice(subsystem: "net", name: "n2"))
    #expect(log.records[3].facility == 3 && log.records[3].level == 3)
    #expect(log.form == .ring)
    #expect(log.diagnostics == [])
  }

  @Test func whatKernelsFrom70AddIsRead() throws {
    let layout = try PrintkRingLayout(
      types: BTFTypes(PrintkTypes.ring(hasExecutionContext: true).view))
    var world = PrintkRingWorld(countBits: 1, sizeBits: 6)
    world.log("x", caller: 0x8000_0001, subsystem: "pci")
    // The world's record with a thread and its name between caller and device.
    var info = Array(world.infoBytes.prefix(24)) + little(UInt32(42))
    info += Array("kworker/0:1".utf8) + [UInt8](repeating: 0, count: 5)
    info += world.infoBytes[24..<88] + [0, 0, 0, 0]
    var memory = world.memory
    memory.write(info, at: PrintkRingWorld.infos)
    let log = try PrintkRing(layout, at: VirtualAddress(PrintkRingWorld.ring), in: memory).log()
    #expect(log.records.map(\.origin) == [LogOrigin(thread: 42, cpu: 1, name: "kworker/0:1")])
    #expect(log.records.first?.device == LogDevice(subsystem: "pci", name: nil))
  }

  @Test func anEmptyRingIsNotDamaged() throws {
    let log = try Self.read(PrintkRingWorld().memory)
    #expect(log == KernelLog(form: .ring, records: []))
  }

  /// Lengths that let blocks end everywhere, at the very end of the ring too, and go round many times.
  @Test(arguments: [false, true], [7, 13, 24, 40, 200])
  func recordsGoRound(fitsPerfectly: Bool, step: Int) throws {
    var world = PrintkRingWorld(fitsPerfectly: fitsPerfectly)
    for index in 0..<300 {
      let text = String(repeating: "\(index % 10)", count: 1 + index * step % 250)
      world.log(text, level: UInt8(index % 8))
      guard index % 7 == 0 || index > 290 else { continue }
      let log = try Self.read(world.memory)
      #expect(log.records == Self.expected(world), "after \(index)")
      #expect(log.diagnostics == [], "after \(index)")
    }
    #expect((2...31).contains(world.expected.count))
  }

  @Test func descriptorsGoRoundBeforeTexts() throws {
    var world = PrintkRingWorld(countBits: 3, sizeBits: 12)
    for index in 0..<100 { world.log("line \(index)") }
    let log = try Self.read(world.memory)
    #expect(log.records == Self.expected(world))
    #expect(log.records.map(\.sequence) == Array(92..<100))
  }

  @Test func unfinishedRecordsAreCounted() throws {
    var world = PrintkRingWorld()
    world.log("before")
    world.log("never finished", finishes: false)
    world.log("after")
    world.log("no room for this", hasRoom: false)
    let log = try Self.read(world.memory)
    #expect(log.records.map(\.text) == ["before", "after"])
    #expect(log.unfinished == 1)
    #expect(log.withoutText == 1)
    #expect(
      log.diagnostics == [
        "1 log records were being written and have no text yet",
        "1 log records have lost their text",
      ])
  }

  // MARK: Damage

  private static func filled() -> PrintkRingWorld {
    var world = PrintkRingWorld(countBits: 5, sizeBits: 12)
    for index in 0..<20 { world.log("line \(index)") }
    return world
  }

  struct Wound: Sendable {
    let inDescriptor: Bool
    let offset: UInt64
    let value: UInt64
    let complaint: String

    static let all = [
      Wound(inDescriptor: true, offset: 0, value: 2 << 62 | 7, complaint: "can't have the id 7"),
      Wound(inDescriptor: true, offset: 8, value: 4, complaint: "no text lies from"),
      Wound(inDescriptor: true, offset: 16, value: 3 << 12, complaint: "no text lies from"),
      Wound(inDescriptor: true, offset: 16, value: 1 << 40, complaint: "no text lies from"),
      Wound(
        inDescriptor: false, offset: 0, value: 12345,
        complaint: "no record has the number 12345"),
    ]
  }

  /// Writes `value` to the damaged record's descriptor or info; all others are still there.
  @Test(arguments: Wound.all) func aDamagedRecordCostsOnlyItself(_ wound: Wound) throws {
    let world = Self.filled()
    let size = UInt64(wound.inDescriptor ? 24 : PrintkRingWorld.infoSize)
    let start = wound.inDescriptor ? PrintkRingWorld.descriptors : PrintkRingWorld.infos
    let log = try Self.read(
      world.memory(patching: [start + 5 * size + wound.offset: little(wound.value)]))
    #expect(log.records == Self.expected(world).filter { $0.sequence != 5 })
    #expect(log.damage.count == 1)
    #expect(log.diagnostics.first?.contains(wound.complaint) == true, "\(log.diagnostics)")
  }

  @Test func aTextThatIsAnotherRecordsIsNotShown() throws {
    let world = Self.filled()
    // The first block's id.
    let log = try Self.read(world.memory(patching: [PrintkRingWorld.data: little(UInt64(99))]))
    #expect(log.records.map(\.sequence) == Array(1..<20))
    #expect(log.diagnostics.count == 1)
    #expect(log.diagnostics[0].hasSuffix("its text is that of the record with id 99"))
  }

  @Test func aTextLongerThanItsBlockIsCut() throws {
    let world = Self.filled()
    let log = try Self.read(
      world.memory(patching: [PrintkRingWorld.infos + 16: little(UInt16(9999))]))
    #expect(log.records.count == 20)
    #expect(log.records[0].isCut)
    #expect(log.records[0].text == "line 0\0\0")
    #expect(!log.records[1].isCut)
  }

  @Test func missingPagesCostWhatIsInThem() throws {
    var world = PrintkRingWorld(countBits: 8, sizeBits: 16)
    for index in 0..<200 { world.log("line \(index)") }
    var memory = SparseMemory()
    memory.write(world.ringBytes, at: PrintkRingWorld.ring)
    memory.write(world.descriptorBytes, at: PrintkRingWorld.descriptors)
    memory.write(world.dataBytes, at: PrintkRingWorld.data)
    // The second page of the infos is missing: those that begin or end in it.
    memory.write(Array(world.infoBytes[..<4096]), at: PrintkRingWorld.infos)
    memory.write(Array(world.infoBytes[8192...]), at: PrintkRingWorld.infos + 8192)
    let log = try Self.read(memory)
    let size = PrintkRingWorld.infoSize
    let there = (0..<200).filter { ($0 + 1) * size <= 4096 || $0 * size >= 8192 }
    #expect(log.records.map(\.sequence) == there.map(UInt64.init))
    #expect(log.damage.count == 200 - there.count)
  }

  @Test(arguments: [(UInt64(0), UInt64(1) << 40), (1 << 61, 0), (.max, 17)])
  func withoutHeadAndTailAllDescriptorsAreLookedAt(head: UInt64, tail: UInt64) throws {
    let world = Self.filled()
    let ends = little(head) + little(tail)
    let log = try Self.read(world.memory(patching: [PrintkRingWorld.ring + 24: ends]))
    #expect(log.records == Self.expected(world))
    #expect(log.diagnostics.contains { $0.contains("all of its descriptors were looked at") })
  }

  // MARK: Hostile sizes

  @Test(arguments: [(0, [0, 27, 63, 255]), (48, [0, 3, 32, 64])])
  func sizesThatNoKernelHasAreRefused(offset: Int, values: [Int]) throws {
    for value in values {
      let memory = Self.filled().memory(
        patching: [PrintkRingWorld.ring + UInt64(offset): little(UInt32(value))])
      #expect(throws: KernelLogError.self) { try Self.read(memory) }
    }
  }

  @Test func aRingWithoutItsArraysIsReadInNoTime() throws {
    var memory = SparseMemory()
    var ring = PrintkRingWorld().ringBytes
    ring.replaceSubrange(0..<4, with: little(UInt32(26)))
    ring.replaceSubrange(24..<40, with: little(UInt64(1) << 26 - 1) + little(UInt64(0)))
    memory.write(ring, at: PrintkRingWorld.ring)
    let log = try PrintkRing(
      Source.vmcoreInfo.layout(), at: VirtualAddress(PrintkRingWorld.ring), in: memory
    ).log(limit: 1 << 12)
    #expect(log.records.isEmpty)
    #expect(log.damage.count > 1 << 12)
    #expect(log.damage.examples.count == 16)
  }

  @Test func ofTooManyRecordsTheNewestAreShown() throws {
    let world = Self.filled()
    let ring = try PrintkRing(
      Source.vmcoreInfo.layout(), at: VirtualAddress(PrintkRingWorld.ring), in: world.memory)
    let log = ring.log(limit: 3)
    #expect(log.records.map(\.sequence) == [17, 18, 19])
    // Between tail and head there is the descriptor that the ring began with, too.
    #expect(log.diagnostics.first?.hasSuffix("oldest log records were left out") == true)
  }

  /// Whatever the bytes are, reading ends, and finds no more than there can be.
  @Test func damageAtRandomHarmsNothing() throws {
    var random = SystemRandomNumberGenerator()
    let world = Self.filled()
    let layout = try Source.vmcoreInfo.layout()
    for _ in 0..<200 {
      var memory = SparseMemory()
      for (bytes, address) in [
        (world.ringBytes, PrintkRingWorld.ring),
        (world.descriptorBytes, PrintkRingWorld.descriptors),
        (world.infoBytes, PrintkRingWorld.infos), (world.dataBytes, PrintkRingWorld.data),
      ] {
        var damaged = bytes
        for _ in 0..<Int.random(in: 0..<4, using: &random) {
          // The ring's sizes stay, so that a test doesn't take seconds.
          let first = address == PrintkRingWorld.ring ? 8 : 0
          let index = Int.random(in: first..<damaged.count, using: &random)
          if address == PrintkRingWorld.ring, (48..<56).contains(index) { continue }
          damaged[index] = UInt8.random(in: 0...255, using: &random)
        }
        memory.write(damaged, at: address)
      }
      let log = try PrintkRing(layout, at: VirtualAddress(PrintkRingWorld.ring), in: memory).log()
      #expect(log.records.count <= 32)
      #expect(log.records.allSatisfy { $0.text.utf8.count <= 3 << 12 })
    }
  }

  @Test func aLayoutThatContradictsItselfIsRefused() {
    let text = PrintkRingWorld.vmcoreInfo
    for (line, wrong) in [
      ("SIZE(printk_info)=88", "SIZE(printk_info)=8"),
      ("SIZE(prb_desc)=24", "SIZE(prb_desc)=18446744073709551615"),
      ("OFFSET(printk_info.seq)=0", "OFFSET(printk_info.seq)=18446744073709551615"),
      ("OFFSET(prb_desc.state_var)=0", ""),
    ] {
      let damaged = text.split(separator: "\n").map { $0 == line ? wrong : String($0) }
      #expect(throws: KernelLogError.self) {
        try PrintkRingLayout(VMCoreInfo(text: damaged.joined(separator: "\n")))
      }
    }
  }
}
