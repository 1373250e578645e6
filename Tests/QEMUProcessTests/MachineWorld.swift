import Bytes
import QEMUProcess
import Symbols
import Targets

/// QEMU's structures of a machine, planted in a synthetic process's heap, with made-up distances:
/// nothing may depend on those of a real release.
struct MachineWorld {
  var process = SyntheticProcess()
  private let globals = SyntheticProcess.heap + 0x18000
  private var blocks: [UInt64] = []
  private var rangeCount: UInt64 = 0
  private let ranges = SyntheticProcess.heap + 0x10000
  let view: UInt64
  var cpus: [UInt64] = []
  /// Names that may differ between releases.
  var cpuListName = "cpus_queue"
  var cpuTypeName = "ArchCPU"
  var accelerator = "tcg"
  /// Whether CPUX86State has the x87 and vector registers.
  var hasVectors = false

  init() {
    view = SyntheticProcess.heap + 0xf000
    process.set(globals + 0x100 + 8, view)
    process.set(view, ranges)
    process.set(view + 16, 1 << 12)
  }

  /// Plants a RAM block at the head of the list; gives its structure's address.
  mutating func addBlock(
    _ name: String, host: UInt64 = SyntheticProcess.guestMemory, used: UInt64,
    most: UInt64? = nil, isListed: Bool = true
  ) -> UInt64 {
    let block = process.allocate(320)
    process.set(block, host)
    process.set(block + 8, used)
    process.set(block + 16, most ?? used)
    process.setText(block + 32, name)
    if isListed {
      process.set(block + 24, blocks.last ?? 0)
      process.set(globals, block)
      blocks.append(block)
    }
    return block
  }

  struct Flags {
    var ram = true
    var romDevice = false
    var ramDevice = false
    var nonvolatile = false
    var romdMode = true
    var readonly = false
    /// The RamDiscardManager's address.
    var manager: UInt64 = 0
  }

  mutating func addRange(
    _ start: UInt64, _ count: UInt64, block: UInt64, offset: UInt64 = 0, flags: Flags = Flags(),
    startHigh: UInt64 = 0, countHigh: UInt64 = 0
  ) {
    func word(_ bits: [Bool]) -> UInt64 {
      bits.enumerated().reduce(0) { $1.element ? $0 | 1 << (8 * UInt64($1.offset)) : $0 }
    }
    let region = process.allocate(32)
    process.set(
      region, word([flags.ram, flags.romDevice, flags.ramDevice]))
    process.set(region + 8, block)
    process.set(region + 16, flags.manager)
    let range = ranges + rangeCount * 56
    process.set(range, region)
    process.set(range + 8, offset)
    process.set(range + 16, start)
    process.set(range + 24, startHigh)
    process.set(range + 32, count)
    process.set(range + 40, countHigh)
    process.set(range + 48, word([flags.romdMode, flags.readonly, flags.nonvolatile]))
    rangeCount += 1
    process.set(view + 8, rangeCount)
  }

  /// Plants a CPU at the end of the list whose registers are numbers that start at `value`.
  mutating func addCPU(value: UInt64, isRunning: Bool = false, isDirty: Bool = false) -> UInt64 {
    let cpu = process.allocate(Self.cpuSize)
    process.set(cpu, UInt64(cpus.count))
    process.set(cpu + 8, isRunning ? 1 : 0)
    process.set(cpu + 16, isDirty ? 1 : 0)
    process.set(cpus.last.map { $0 + 24 } ?? globals + 0x200, cpu)
    for index in 0..<UInt64(17) { process.set(cpu + 64 + 8 * index, value + index) }
    process.set(cpu + 64 + 136, 0x246)
    cpus.append(cpu)
    return cpu
  }

  /// Plants an object of 64 bytes, of which 16 are the object's own, with its class and type.
  mutating func addObject(_ type: String) -> UInt64 {
    let parts = [process.allocate(64), process.allocate(16), process.allocate(16)]
    let text = process.allocate(64)
    process.setText(text, type)
    process.set(parts[0], parts[1])
    process.set(parts[1], parts[2])
    process.set(parts[2], text)
    return parts[0]
  }

  /// Plants `current_machine` and its accelerator.
  private mutating func addMachine() {
    let machine = addObject("pc-test-machine")
    process.set(machine + 16, addObject(accelerator + "-accel"))
    process.set(globals + 0x300, machine)
  }

  func structures() -> QEMUStructures {
    var world = self
    world.addMachine()
    return QEMUStructures(
      process: world.process.process(),
      symbols: SyntheticSymbols(structures: world.types, variables: world.variables),
      bias: 0x1000, threadLocalStorage: nil)
  }

  private var variables: [String: (type: String, place: ProgramVariable.Place)] {
    [
      "ram_list": ("RAMList", .address(globals - 0x1000)),
      "address_space_memory": ("AddressSpace", .address(globals + 0x100 - 0x1000)),
      cpuListName: ("CPUList", .address(globals + 0x200 - 0x1000)),
      "current_machine": ("MachineState*", .address(globals + 0x300 - 0x1000)),
    ]
  }

  static let cpuSize: UInt64 = 3200

  private var types: [(String, UInt64, SyntheticSymbols.Members)] {
    [
      ("Int128", 16, [("lo", 0, "u64"), ("hi", 8, "u64")]),
      ("BlockHead", 8, [("lh_first", 0, "RAMBlock*")]),
      ("BlockLink", 8, [("le_next", 0, "RAMBlock*")]),
      ("RAMList", 16, [("blocks", 0, "BlockHead")]),
      (
        "RAMBlock", 288,
        [
          ("host", 0, "u8*"), ("used_length", 8, "u64"), ("max_length", 16, "u64"),
          ("next", 24, "BlockLink"), ("idstr", 32, "u8[256]"),
        ]
      ),
      ("AddressSpace", 16, [("current_map", 8, "FlatView*")]),
      (
        "FlatView", 24,
        [("ranges", 0, "FlatRange*"), ("nr", 8, "u32"), ("nr_allocated", 16, "u32")]
      ),
      ("AddrRange", 32, [("start", 0, "Int128"), ("size", 16, "Int128")]),
      (
        "FlatRange", 56,
        [
          ("mr", 0, "MemoryRegion*"), ("offset_in_region", 8, "u64"), ("addr", 16, "AddrRange"),
          ("romd_mode", 48, "u8"), ("readonly", 49, "u8"), ("nonvolatile", 50, "u8"),
        ]
      ),
      (
        "MemoryRegion", 32,
        [
          ("ram", 0, "u8"), ("rom_device", 1, "u8"), ("ram_device", 2, "u8"),
          ("ram_block", 8, "RAMBlock*"), ("rdm", 16, "Object*"),
        ]
      ),
      ("Object", 32, [("class", 0, "ObjectClass*"), ("properties", 8, "u8*")]),
      ("ObjectClass", 16, [("type", 0, "TypeImpl*")]),
      ("TypeImpl", 16, [("name", 0, "u8*")]),
      ("MachineState", 32, [("accelerator", 16, "Object*")]),
      (
        "VirtIOMEM", 64,
        [("bitmap", 32, "u64*"), ("bitmap_size", 40, "u32"), ("block_size", 48, "u64")]
      ),
      ("CPUList", 8, [("tqh_first", 0, "CPUState*")]),
      ("CPULink", 8, [("tqe_next", 0, "CPUState*")]),
      (
        "CPUState", 64,
        [
          ("cpu_index", 0, "u32"), ("thread_id", 32, "u32"), ("halted", 4, "u32"),
          ("running", 8, "u8"),
          ("vcpu_dirty", 16, "u8"), ("node", 24, "CPULink"),
        ]
      ),
      ("SegmentCache", 24, Self.segment),
      ("float_status", 8, [("float_exception_flags", 0, "u8")]),
      (cpuTypeName, Self.cpuSize, [("apic_state", 40, "u8*"), ("env", 64, "CPUX86State")]),
      ("ZMMReg", 64, []), ("FPReg", 16, []),
      (
        "CPUX86State", Self.cpuSize - 64, Self.environment + (hasVectors ? Self.vectors : [])
      ),
    ]
  }

  /// Bytes from the start of the CPU.
  static let exceptions: UInt64 = 64 + 2888
  static let top: UInt64 = 64 + 592
  static let stack: UInt64 = 64 + 2752

  private static let vectors: SyntheticSymbols.Members = [
    ("xmm_regs", 640, "ZMMReg[32]"), ("opmask_regs", 2688, "u64[8]"),
    ("fpregs", 2752, "FPReg[8]"), ("fptags", 2880, "u8[8]"), ("sse_status", 2888, "float_status"),
    ("fpuc", 2896, "u64"), ("fpus", 2904, "u64"), ("fpop", 2912, "u64"), ("fpip", 2920, "u64"),
    ("fpdp", 2928, "u64"), ("pkru", 2936, "u32"),
  ]

  private static let segment: SyntheticSymbols.Members = [
    ("selector", 0, "u32"), ("limit", 4, "u32"), ("base", 8, "u64"), ("flags", 16, "u32"),
  ]

  private static let environment: SyntheticSymbols.Members = {
    var members: SyntheticSymbols.Members = [
      ("regs", 0, "u64[16]"), ("eip", 128, "u64"), ("eflags", 136, "u64"),
      ("segs", 144, "SegmentCache[6]"),
      ("ldt", 288, "SegmentCache"), ("tr", 312, "SegmentCache"), ("gdt", 336, "SegmentCache"),
      ("idt", 360, "SegmentCache"), ("cr", 384, "u64[5]"), ("dr", 424, "u64[8]"),

    ]
    var next: UInt64 = 488
    for name in [
      "sysenter_cs", "sysenter_esp", "sysenter_eip", "pat", "efer", "star", "lstar", "cstar",
      "fmask", "kernelgsbase", "tsc_aux", "tsc", "mxcsr", "fpstt", "xcr0", "cc_op",
    ] {
      members.append((name, next, "u64"))
      next += 8
    }
    return members
  }()
}
