import Bytes
import TestWorlds
import Testing
import Unwinding

/// A kernel's code, its ORC table and its stacks.
///
///     0xffff_8100_0000  code
///     0xffff_8200_0000  .orc_unwind_ip; 0xffff_8300_0000  .orc_unwind
///     0xffff_9000_0000  the task's stack; 0xffff_8f00_0000  the interrupt stack, below it
private struct ORCWorld: UnwindTableProvider {
  static let code: UInt64 = 0xffff_ffff_8100_0000
  static let addresses: UInt64 = 0xffff_ffff_8200_0000
  static let entries: UInt64 = 0xffff_ffff_8300_0000
  static let stack: UInt64 = 0xffff_c900_0000_0000
  static let interruptStack: UInt64 = 0xffff_a000_0000_0000

  var layout = ORCLayout.endBit
  var memory = SparseMemory()
  var registers = RegisterState()
  private var count: UInt64 = 0

  init(layout: ORCLayout = .endBit) { self.layout = layout }

  /// How each layout stores an entry's kind: written from the kernel's headers, apart from the code.
  struct Entry {
    var offset: UInt64
    var stackOffset: Int16 = 0
    var frameOffset: Int16 = 0
    var stackBase: UInt16 = 5
    var frameBase: UInt16 = 0
    var kind = ORCEntry.Kind.call
  }

  /// 7.2's numbers by the old ones; 11 to 15 mean nothing in both.
  static let renumbered: [UInt16] = [0, 8, 2, 5, 4, 3, 6, 7, 10, 9, 1, 11, 12, 13, 14, 15]

  static func flags(_ entry: Entry, _ layout: ORCLayout) -> UInt16 {
    let bases =
      layout == .renumbered
      ? renumbered[Int(entry.stackBase)] | renumbered[Int(entry.frameBase)] << 4
      : entry.stackBase | entry.frameBase << 4
    switch (layout, entry.kind) {
    case (.endBit, .call), (.signalAndEndBits, .call): return bases
    case (.endBit, .registers): return bases | 0x100
    case (.endBit, .partialRegisters): return bases | 0x200
    case (.endBit, .endOfStack): return 0x400
    case (.signalAndEndBits, .registers): return bases | 0x500
    case (.signalAndEndBits, .partialRegisters): return bases | 0x600
    case (.signalAndEndBits, .endOfStack): return 0x800
    case (.endBit, .undefined), (.signalAndEndBits, .undefined), (.endType, .undefined),
      (.renumbered, .undefined):
      return 0
    case (.endType, .endOfStack), (.renumbered, .endOfStack): return 0x100
    case (.endType, .call), (.renumbered, .call): return bases | 0x200
    case (.endType, .registers), (.renumbered, .registers): return bases | 0xb00
    case (.endType, .partialRegisters), (.renumbered, .partialRegisters): return bases | 0xc00
    }
  }

  /// The table, as it stands: not sorted here.
  mutating func table(_ entries: [Entry]) {
    var addresses: [UInt8] = []
    var bytes: [UInt8] = []
    for (index, entry) in entries.enumerated() {
      let place = Self.addresses + 4 * UInt64(index)
      addresses += little(UInt32(truncatingIfNeeded: Self.code &+ entry.offset &- place))
      bytes += little(UInt16(bitPattern: entry.stackOffset))
      bytes += little(UInt16(bitPattern: entry.frameOffset))
      bytes += little(Self.flags(entry, layout))
    }
    memory.write(addresses, at: Self.addresses)
    memory.write(bytes, at: Self.entries)
    count = UInt64(entries.count)
  }

  /// A table of one entry with these flags.
  mutating func table(flags: UInt16) {
    memory.write(
      little(UInt32(truncatingIfNeeded: Self.code &- Self.addresses)), at: Self.addresses)
    memory.write([0, 0, 0, 0] + little(flags), at: Self.entries)
    count = 1
  }

  func makeTable(count: UInt64? = nil, bias: UInt64 = 0) -> ORCTable<SparseMemory> {
    ORCTable(
      .init(
        addresses: VirtualAddress(Self.addresses), entries: VirtualAddress(Self.entries),
        count: count ?? self.count),
      layout: layout, in: memory,
      code: VirtualAddress(Self.code)..<VirtualAddress(Self.code + 0x10_0000), bias: bias)
  }

  func unwindTable(for pc: VirtualAddress) -> LocatedUnwindTable? {
    isCode(pc) ? LocatedUnwindTable(table: makeTable(), bias: 0) : nil
  }

  func isCode(_ pc: VirtualAddress) -> Bool {
    (Self.code..<Self.code + 0x10_0000).contains(pc.rawValue)
  }

  func unwind(isAfterCall: Bool = false) -> Backtrace {
    Unwinder().unwind(from: registers, memory: memory, tables: self, isAfterCall: isAfterCall)
  }

  func offsets(_ backtrace: Backtrace) -> [UInt64] {
    backtrace.frames.map { $0.pc.rawValue &- Self.code }
  }

  subscript(_ name: String) -> UInt64? {
    get { Architecture.x86_64.register(named: name).flatMap { registers[$0] } }
    set {
      if let register = Architecture.x86_64.register(named: name) { registers[register] = newValue }
    }
  }
}

extension RegisterState {
  fileprivate subscript(_ name: String) -> UInt64? {
    Architecture.x86_64.register(named: name).flatMap { self[$0] }
  }
}

/// `struct pt_regs` in the kernel's order, written down from arch/x86/include/asm/ptrace.h.
private func savedRegisters(_ values: [String: UInt64]) -> [UInt64] {
  [
    "r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi",
    "rdi", "orig_rax", "rip", "cs", "rflags", "rsp", "ss",
  ].map { values[$0] ?? 0 }
}

@Suite struct ORCTests {
  private typealias Entry = ORCWorld.Entry

  @Test(arguments: ORCLayout.allCases)
  func callsLeadToTheEndOfTheStack(_ layout: ORCLayout) {
    var world = ORCWorld(layout: layout)
    world.table([
      Entry(offset: 0x100, stackOffset: 8),
      Entry(offset: 0x101, stackOffset: 24, frameOffset: -16, frameBase: 1),
      Entry(offset: 0x200, stackOffset: 16, stackBase: 4),
      Entry(offset: 0x300, kind: .endOfStack),
    ])
    let top = ORCWorld.stack + 0x1000
    // In the first function after a push of rbp, called from a frame that counts from rbp.
    world.memory.write(
      words: [0xaaaa, top + 0x40, ORCWorld.code + 0x210], at: top)
    world.memory.write(words: [1, 2, 3, 4, 5, 6, ORCWorld.code + 0x310], at: top + 24)
    world["rip"] = ORCWorld.code + 0x120
    world["rsp"] = top
    world["rbx"] = 7
    let trace = world.unwind()
    #expect(world.offsets(trace) == [0x120, 0x210, 0x310])
    #expect(trace.stop == .endOfStack(.returnAddressUndefined))
    #expect(trace.frames[1].registers["rbp"] == top + 0x40)
    #expect(trace.frames[1].registers["rbx"] == nil, "ORC doesn't tell")
    #expect(trace.frames[1].evidence == .unwound(.orc))
    #expect(trace.frames[2].registers["rsp"] == top + 0x50)
  }

  @Test(arguments: ORCLayout.allCases)
  func interruptsGiveAllRegistersBack(_ layout: ORCLayout) {
    var world = ORCWorld(layout: layout)
    world.table([
      Entry(offset: 0x100, stackOffset: 8), Entry(offset: 0x200, kind: .registers),
      Entry(offset: 0x300, stackOffset: 8), Entry(offset: 0x400, kind: .endOfStack),
    ])
    let interrupted = ORCWorld.stack + 0x2000
    let inner = ORCWorld.interruptStack
    world.memory.write(
      words: [ORCWorld.code + 0x210]
        + savedRegisters([
          "rip": ORCWorld.code + 0x300, "cs": 0x10, "rsp": interrupted, "rbx": 11, "r12": 12,
          "r10": 10, "rbp": 6, "rdi": 5,
        ]), at: inner)
    world.memory.write(words: [ORCWorld.code + 0x404], at: interrupted)
    world["rip"] = ORCWorld.code + 0x110
    world["rsp"] = inner
    let trace = world.unwind()
    #expect(world.offsets(trace) == [0x110, 0x210, 0x300, 0x404])
    let frame = trace.frames[2]
    // It stands at the first instruction of its function: the row before would be another's.
    #expect(!frame.isAfterCall)
    #expect(frame.registers["rsp"] == interrupted)
    #expect(["rbx", "r12", "r10", "rbp", "rdi"].map { frame.registers[$0] } == [11, 12, 10, 6, 5])
    #expect(!trace.frames[1].isSignalFrame, "entry code is a frame like any other")
    #expect(trace.frames[3].isAfterCall)
  }

  @Test(arguments: ORCLayout.allCases)
  func stackEndsWhereAProgramWasInterrupted(_ layout: ORCLayout) {
    for (kind, skipped) in [(ORCEntry.Kind.registers, 0), (.partialRegisters, 16)] {
      var world = ORCWorld(layout: layout)
      world.table([Entry(offset: 0x100, kind: kind)])
      let words = savedRegisters(["rip": 0x40_1000, "cs": 0x33, "rsp": 0x7fff_0000, "ss": 0x2b])
      world.memory.write(words: Array(words[skipped...]), at: ORCWorld.stack)
      world["rip"] = ORCWorld.code + 0x100
      world["rsp"] = ORCWorld.stack
      let trace = world.unwind()
      #expect(world.offsets(trace) == [0x100])
      #expect(trace.stop == .endOfStack(.enteredFromUserMode))
    }
  }

  @Test func partialFramesKeepWhatWasNotSaved() {
    var world = ORCWorld()
    world.table([
      Entry(offset: 0x100, kind: .partialRegisters), Entry(offset: 0x200, stackBase: 6),
      Entry(offset: 0x300, kind: .endOfStack),
    ])
    world.memory.write(
      words: [ORCWorld.code + 0x208, 0x10, 2, ORCWorld.stack + 0x80, 0x18], at: ORCWorld.stack)
    // The interrupted function's frame is found by r10, which only its registers tell.
    world.memory.write(words: [ORCWorld.code + 0x301], at: ORCWorld.stack + 0x98)
    world["rip"] = ORCWorld.code + 0x100
    world["rsp"] = ORCWorld.stack
    world["r10"] = ORCWorld.stack + 0xa0
    #expect(world.offsets(world.unwind()) == [0x100, 0x208, 0x301])
  }

  @Test func calledCodeKnowsNoScratchRegisters() {
    var world = ORCWorld()
    world.table([
      Entry(offset: 0x100, stackOffset: 8), Entry(offset: 0x200, stackBase: 6),
    ])
    world.memory.write(words: [ORCWorld.code + 0x208], at: ORCWorld.stack)
    world["rip"] = ORCWorld.code + 0x100
    world["rsp"] = ORCWorld.stack
    world["r10"] = 1
    let trace = world.unwind()
    #expect(
      trace.stop == .cfaUnknown(RegisterNumber(10), name: "r10", .notSaved))
  }

  /// Since 5.12 a call to the interrupt stack leaves the old stack pointer on top of it; up to 5.11
  /// entry code kept where its registers are.
  @Test func stackSwitchesAreFollowedDownwards() {
    var world = ORCWorld()
    world.table([
      Entry(offset: 0x100, stackOffset: 8), Entry(offset: 0x200, stackOffset: 8, stackBase: 9),
      Entry(offset: 0x300, stackOffset: 8), Entry(offset: 0x400, kind: .endOfStack),
    ])
    let task = ORCWorld.interruptStack - 0x10_0000
    world.memory.write(
      words: [ORCWorld.code + 0x210, task], at: ORCWorld.interruptStack)
    world.memory.write(words: [ORCWorld.code + 0x310, ORCWorld.code + 0x410], at: task)
    world["rip"] = ORCWorld.code + 0x100
    world["rsp"] = ORCWorld.interruptStack
    #expect(world.offsets(world.unwind()) == [0x100, 0x210, 0x310, 0x410])

    var old = ORCWorld()
    old.table([
      Entry(offset: 0x100, stackOffset: 8, stackBase: 9, kind: .registers),
      Entry(offset: 0x200, kind: .endOfStack),
    ])
    old.memory.write(words: [0, task], at: ORCWorld.interruptStack)
    old.memory.write(
      words: savedRegisters(["rip": ORCWorld.code + 0x200, "cs": 0x10, "rsp": task + 500]),
      at: task)
    old["rip"] = ORCWorld.code + 0x100
    old["rsp"] = ORCWorld.interruptStack
    let trace = old.unwind()
    #expect(old.offsets(trace) == [0x100, 0x200])
    #expect(trace.frames[1].registers["rsp"] == task + 500)
  }

  @Test(arguments: ORCLayout.allCases) func layoutIsToldByItsEntries(_ layout: ORCLayout) {
    var entries = Array(repeating: Entry(offset: 0, stackOffset: 8), count: 50)
    entries += [Entry(offset: 0, kind: .undefined), Entry(offset: 0, kind: .endOfStack)]
    entries += Array(repeating: Entry(offset: 0, kind: .registers), count: 5)
    entries += [Entry(offset: 0, kind: .partialRegisters)]
    #expect(ORCLayout(guessedFrom: entries.map { ORCWorld.flags($0, layout) }) == layout)
    #expect(ORCLayout(guessedFrom: [0, 0]) == nil)
  }

  /// arch/x86/include/asm/orc_types.h up to 7.1, and of 7.2.
  @Test func everyNumberIsARegister() throws {
    let old: [ORCEntry.Base] = [
      .undefined, .previousStackPointer, .rdx, .rdi, .rbp, .rsp, .r10, .r13, .rbpIndirect,
      .rspIndirect, .rax,
    ]
    let new: [ORCEntry.Base] = [
      .undefined, .rax, .rdx, .rsp, .rbp, .rdi, .r10, .r13, .previousStackPointer, .rspIndirect,
      .rbpIndirect,
    ]
    for layout in ORCLayout.allCases {
      let numbers = layout == .renumbered ? new : old
      // A call, in each layout's own number.
      let call: UInt16 = layout == .endType || layout == .renumbered ? 0x200 : 0
      for number in UInt16(1)..<16 {
        var world = ORCWorld(layout: layout)
        let flags = number | number << 4 | call
        world.table(flags: flags)
        let address = VirtualAddress(ORCWorld.code)
        guard Int(number) < numbers.count else {
          #expect(throws: UnwindError.orcEntry(flags: flags, entry: 0)) {
            try world.makeTable().entry(at: address)
          }
          continue
        }
        let entry = try #require(try world.makeTable().entry(at: address))
        #expect(entry.stackBase == numbers[Int(number)], "\(layout) \(number)")
        #expect(entry.frameBase == numbers[Int(number)], "\(layout) \(number)")
      }
    }
  }

  /// A function that aligned its stack found it by a scratch register, taken as it is.
  @Test(arguments: [
    ("rax", ORCEntry.Base.rax), ("rdx", .rdx), ("rdi", .rdi), ("r10", .r10), ("r13", .r13),
  ])
  func registersWithoutOffsetsLeadToFrames(_ name: String, _ base: ORCEntry.Base) {
    var world = ORCWorld()
    world.table([
      Entry(offset: 0x100, stackOffset: 64, stackBase: Self.oldNumber(base)),
      Entry(offset: 0x200, kind: .endOfStack),
    ])
    world.memory.write(words: [ORCWorld.code + 0x204], at: ORCWorld.stack + 0x38)
    world["rip"] = ORCWorld.code + 0x100
    world["rsp"] = ORCWorld.stack
    world[name] = ORCWorld.stack + 0x40
    let trace = world.unwind()
    #expect(world.offsets(trace) == [0x100, 0x204])
    #expect(trace.frames.last?.registers["rsp"] == ORCWorld.stack + 0x40)
  }

  private static func oldNumber(_ base: ORCEntry.Base) -> UInt16 {
    switch base {
    case .rax: 10
    case .rdx: 2
    case .rdi: 3
    case .r10: 6
    default: 7
    }
  }

  @Test func layoutIsToldByTheKernelsType() {
    #expect(ORCLayout(typeBits: 2, hasSignal: false, hasEnd: true) == .endBit)
    #expect(ORCLayout(typeBits: 2, hasSignal: true, hasEnd: true) == .signalAndEndBits)
    #expect(ORCLayout(typeBits: 3, hasSignal: true, hasEnd: false) == .endType)
    #expect(ORCLayout(typeBits: 4, hasSignal: true, hasEnd: false) == nil)
  }

  @Test func lookupTakesTheLastOfEquals() throws {
    var world = ORCWorld()
    // Terminators stand before real entries of the same address.
    world.table([
      Entry(offset: 0x100, stackOffset: 8), Entry(offset: 0x200, kind: .undefined),
      Entry(offset: 0x200, stackOffset: 16), Entry(offset: 0x300, kind: .undefined),
    ])
    let table = world.makeTable()
    func offset(_ address: UInt64) throws -> Int16? {
      try table.entry(at: VirtualAddress(ORCWorld.code + address))?.stackOffset
    }
    #expect(try offset(0xff) == nil)
    #expect(try offset(0x100) == 8)
    #expect(try offset(0x1ff) == 8)
    #expect(try offset(0x200) == 16)
    #expect(try table.row(at: VirtualAddress(ORCWorld.code + 0x300)) == nil)
    #expect(try table.row(at: VirtualAddress(ORCWorld.code + 0x10_0000)) == nil)
    let moved = world.makeTable(bias: 0x1000)
    #expect(try moved.entry(at: VirtualAddress(ORCWorld.code + 0x100 - 0x1000))?.stackOffset == 8)
  }

  @Test func damagedTablesGiveErrors() {
    var world = ORCWorld()
    world.table([
      Entry(offset: 0x900, stackOffset: 8), Entry(offset: 0x100, stackOffset: 8),
      Entry(offset: 0x500, stackOffset: 8), Entry(offset: 0x300, stackOffset: 8),
    ])
    let address = VirtualAddress(ORCWorld.code + 0x600)
    #expect(throws: UnwindError.orcOutOfOrder(entry: 3)) { try world.makeTable().row(at: address) }
    // A count beyond what memory holds.
    #expect(throws: UnwindError.self) { try world.makeTable(count: 1 << 60).row(at: address) }
    world.table([Entry(offset: 0x100, stackBase: 12)])
    #expect(throws: UnwindError.orcEntry(flags: 12, entry: 0)) {
      try world.makeTable().row(at: address)
    }
    world = ORCWorld(layout: .endType)
    world.table(flags: 0x705)
    #expect(throws: UnwindError.orcEntry(flags: 0x705, entry: 0)) {
      try world.makeTable().row(at: address)
    }
  }

  /// Whatever the bytes, a walk ends.
  @Test func randomTablesNeverHang() {
    var generator = SplitMix(state: 4)
    for round in 0..<300 {
      var world = ORCWorld(layout: ORCLayout.allCases[round % 4])
      let entries = (0..<40).map { _ in
        Entry(
          offset: generator.next() % 0x1000,
          stackOffset: Int16(truncatingIfNeeded: generator.next() % 64),
          frameOffset: Int16(truncatingIfNeeded: generator.next() % 64),
          stackBase: UInt16(generator.next() % 16), frameBase: UInt16(generator.next() % 16),
          kind: [.call, .registers, .partialRegisters, .undefined][Int(generator.next() % 4)])
      }
      world.table(round % 2 == 0 ? entries.sorted { $0.offset < $1.offset } : entries)
      let words = (0..<512).map { _ -> UInt64 in
        switch generator.next() % 3 {
        case 0: ORCWorld.code + generator.next() % 0x1000
        case 1: ORCWorld.stack + generator.next() % 0x1000
        default: generator.next() % 128
        }
      }
      world.memory.write(words: words, at: ORCWorld.stack)
      world["rip"] = ORCWorld.code + generator.next() % 0x1000
      world["rsp"] = ORCWorld.stack + generator.next() % 0x1000
      for name in ["rbp", "r10", "r13", "rdi", "rdx"] {
        world[name] = ORCWorld.stack + generator.next() % 0x1000
      }
      let trace = world.unwind()
      #expect(!trace.frames.isEmpty)
      #expect(trace.frames.count <= 1024)
    }
  }
}

/// A generator that gives the same numbers each time (Steele, Lea and Flood, 2014).
private struct SplitMix {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
    return word ^ word >> 31
  }
}
