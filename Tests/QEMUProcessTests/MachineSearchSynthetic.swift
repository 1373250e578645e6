import Bytes
import QEMUProcess
import Targets
import Unwinding

/// Builds the memory of a QEMU process with a machine in it, word by word.
///
///     0x5555_0000_0000  variables      0x7e00_0000_0000  guest memory
///     0x5555_1000_0000  heap           0x7d00_0000_0000  firmware
struct SyntheticMachine {
  static let globals: UInt64 = 0x5555_0000_0000
  static let heap: UInt64 = 0x5555_1000_0000
  static let firmware: UInt64 = 0x7d00_0000_0000
  static let guest: UInt64 = 0x7e00_0000_0000
  static let guestSize: UInt64 = 1 << 20
  /// What a translator made.
  static let generatedCode: UInt64 = 0x7c00_0000_0000

  /// Distances that differ between releases.
  struct Shape {
    /// Of `mr` in a block; `host` follows.
    var region: UInt64 = 16
    /// Words between `host` and `offset`.
    var beforeOffset: UInt64 = 1
    /// Of `idstr`.
    var name: UInt64 = 76
    /// Of `ram_block` in a region.
    var block: UInt64 = 56
    var regionName: UInt64 = 232
    var flatRangeSize: UInt64 = 64
    /// Of a CPU's link.
    var link: UInt64 = 584
    /// Of a CPU's state.
    var state: UInt64 = 5008
    /// Words between `idt`, CR0–CR4 and EFER.
    var beforeEFER: UInt64 = 17
    /// From `kernelgsbase` to `tsc_adjust`, less 8.
    var others: UInt64 = 0
    /// 32 general registers, the second half unused.
    var isWide = false
    /// From `fpstt` to `mxcsr`, and from there to the vector registers.
    var control: UInt64 = 228
    var vectors: UInt64 = 12
    var fromVectors: UInt64 = 10440
    /// From `xcr0` to `pat` and the debug registers.
    var attributes: UInt64 = 408
    var debug: UInt64 = 1816
  }

  var shape = Shape()
  private(set) var words: [UInt64: UInt64] = [:]
  private var used: UInt64 = 0x100
  private var regions: [String: UInt64] = [:]
  var threads: [HostThread] = []

  // Where variables are.
  static let blockList = globals + 0x100
  static let addressSpace = globals + 0x200
  static let cpuList = globals + 0x300
  static let currentMachine = globals + 0x400

  mutating func set(_ address: UInt64, _ value: UInt64) { words[address & ~7] = value }
  func word(_ address: UInt64) -> UInt64 { words[address & ~7] ?? 0 }

  mutating func setByte(_ address: UInt64, _ value: UInt8) {
    let shift = (address & 7) * 8
    set(address, word(address) & ~(0xff << shift) | UInt64(value) << shift)
  }

  mutating func setLong(_ address: UInt64, _ value: UInt32) {
    for index in 0..<UInt64(4) {
      setByte(address + index, UInt8(truncatingIfNeeded: value >> (UInt32(index) * 8)))
    }
  }

  mutating func setText(_ address: UInt64, _ text: String) {
    for (index, byte) in (Array(text.utf8) + [0]).enumerated() {
      setByte(address + UInt64(index), byte)
    }
  }

  mutating func allocate(_ size: UInt64) -> UInt64 {
    defer { used += (size + 31) & ~15 }
    return Self.heap + used
  }

  mutating func text(_ text: String) -> UInt64 {
    let address = allocate(UInt64(text.utf8.count) + 1)
    setText(address, text)
    return address
  }

  /// Gives the object at `address` a class of the type `name`.
  mutating func setType(_ address: UInt64, _ name: String) {
    let type = allocate(64)
    let objectClass = allocate(64)
    set(type, text(name))
    set(objectClass, type)
    set(address, objectClass)
  }

  /// A region; the one that shows a block if `block` is one.
  mutating func addRegion(
    _ name: String, block: UInt64 = 0, readOnly: Bool = false, romDevice: Bool = false,
    ramDevice: Bool = false
  ) -> UInt64 {
    let region = allocate(512)
    setType(region, "memory-region")
    setByte(region + 40, 1)
    if block != 0 { setByte(region + (romDevice ? 45 : 41), 1) }
    if readOnly { setByte(region + 43, 1) }
    set(region + shape.block, block)
    if ramDevice { set(region + shape.block + 32, region) }
    set(region + shape.regionName, text(name))
    regions[name] = region
    return region
  }

  func region(_ name: String) -> UInt64 { regions[name] ?? 0 }

  struct Block {
    var name: String
    var host: UInt64
    var count: UInt64
    var readOnly = false
    var romDevice = false
    var ramDevice = false
    /// Where the block itself is; the heap unless set.
    var place: UInt64?
  }

  /// Links `blocks` into QEMU's list; gives their addresses.
  @discardableResult
  mutating func addBlocks(_ blocks: [Block]) -> [UInt64] {
    let link = (shape.name + 256 + 7) & ~7
    var addresses: [UInt64] = []
    var previous = Self.blockList
    var offset: UInt64 = 0
    for block in blocks {
      let address = block.place ?? allocate(link + 64)
      let owner = block.name.split(separator: "/").last.map(String.init) ?? block.name
      set(
        address + shape.region,
        addRegion(
          owner, block: address, readOnly: block.readOnly, romDevice: block.romDevice,
          ramDevice: block.ramDevice))
      set(address + shape.region + 8, block.host)
      let lengths = address + shape.region + 16 + shape.beforeOffset * 8
      set(lengths, offset)
      set(lengths + 8, block.count)
      set(lengths + 16, block.count)
      offset += (block.count + 0xfff) & ~0xfff
      setText(address + shape.name, block.name)
      set(previous, address)
      set(address + link + 8, previous)
      previous = address + link
      addresses.append(address)
    }
    return addresses
  }

  struct Range {
    var name: String
    var start: UInt64
    var count: UInt64
    var offset: UInt64 = 0
    var readOnly = false
    var romd = true
    var nonvolatile = false
  }

  /// Plants the address space “memory” with a view of `ranges`; gives the view and its array.
  @discardableResult
  mutating func addView(_ ranges: [Range]) -> (view: UInt64, array: UInt64) {
    let array = allocate(UInt64(ranges.count) * shape.flatRangeSize)
    for (index, range) in ranges.enumerated() {
      let place = array + UInt64(index) * shape.flatRangeSize
      set(place, region(range.name) == 0 ? addRegion(range.name) : region(range.name))
      set(place + 8, range.offset)
      set(place + 16, range.start)
      set(place + 32, range.count)
      setByte(place + 48, 1)
      setByte(place + 49, range.romd ? 1 : 0)
      setByte(place + 50, range.readOnly ? 1 : 0)
      setByte(place + 51, range.nonvolatile ? 1 : 0)
    }
    let view = allocate(64)
    let root = addRegion("system")
    setLong(view + 16, 1)
    set(view + 24, array)
    setLong(view + 32, UInt32(ranges.count))
    setLong(view + 36, UInt32(ranges.count) + 2)
    set(view + 48, root)
    set(Self.addressSpace, text("memory"))
    set(Self.addressSpace + 8, root)
    set(Self.addressSpace + 16, view)
    return (view, array)
  }

  mutating func addMachine(_ type: String = "pc-i440fx-7.2-machine", accelerator: String = "tcg") {
    let machine = allocate(512)
    setType(machine, type)
    let object = allocate(64)
    setType(object, accelerator + "-accel")
    set(machine + 200, object)
    set(Self.currentMachine, machine)
  }

  /// Makes a CPU's object whose registers are made of `seed`.
  mutating func makeCPU(_ seed: UInt64, type: String = "qemu64-x86_64-cpu") -> UInt64 {
    let object = allocate((24 << 10) + shape.state - 5008)
    setType(object, type)
    setLong(object + 184, UInt32(100 + seed))
    // Somewhere in the process that isn't generated code.
    var registers = RegisterState()
    registers[Architecture.x86_64.programCounter] = Self.globals + 8
    threads.append(
      HostThread(id: Int32(100 + seed), registers: registers, threadPointer: nil))
    let state = object + shape.state
    let general = state - (shape.isWide ? 128 : 0)
    for index in 0..<UInt64(16) { set(general + index * 8, seed << 32 | 0xa0 + index) }
    set(state + 128, 0xffff_ffff_8100_0000 + seed)
    set(state + 136, 0x202)
    set(state + 152, 0x44)
    setLong(state + 168, 1)
    setLong(state + 172, 1)
    setLong(state + 176, 1 << 7 | 1 << 14 | 1 << 15)
    for index in 0..<UInt64(10) {
      let segment = state + 184 + index * 24
      setLong(segment, UInt32(index) * 8)
      set(segment + 8, 0x1000 * index)
      setLong(segment + 16, 0xffff)
      setLong(segment + 20, index == 1 ? 0x00af_9b00 : 0x00cf_9300)
    }
    set(state + 424, 0x8005_0033)
    set(state + 440, 0x7000 + seed)
    set(state + 448, 0x4000)
    set(state + 456, 0x6b0)
    let efer = state + 464 + shape.beforeEFER * 8
    set(efer, 0xd01)
    setLong(efer + 8, 0)
    set(efer + 8, 0x037f << 48)
    set(efer + 16, 0x0101_0101_0101_0101)
    addVectors(efer + 8, seed)
    return object
  }

  private mutating func addVectors(_ floating: UInt64, _ seed: UInt64) {
    let control = floating + shape.control
    setLong(control, 0x1f80)
    let vectors = control + shape.vectors
    for index in 0..<UInt64(16) { set(vectors + index * 64, seed << 8 | index) }
    let base = vectors + shape.fromVectors + 64
    set(base - 64, 0x10)
    set(base - 40, 0x0023_0010_0000_0000)
    set(base - 24, 0xffff_ffff_8180_0000)
    set(base - 16, 0xffff_ffff_8180_1000)
    set(base - 8, 0x25_7fd5)
    set(base, 0xffff_8880_0000_0000 + seed)
    let features = base + 32 + shape.others
    set(features - 8, seed)
    set(features, 7)
    set(features + 16, 1)
    set(features + shape.attributes, 0x0407_0506_0007_0106)
    set(features + shape.debug, 0xd000 + seed)
    set(features + shape.debug + 48, 0xffff_0ff0)
    set(features + shape.debug + 56, 0x400)
  }

  /// Links `objects` into QEMU's list of CPUs.
  mutating func link(cpus objects: [UInt64]) {
    var previous = Self.cpuList
    for object in objects {
      set(previous, object)
      set(object + shape.link + 8, previous)
      previous = object + shape.link
    }
    set(Self.cpuList + 8, previous)
  }

  private func region(_ start: UInt64, _ count: UInt64) -> MemoryRegion {
    var bytes = [UInt8](repeating: 0, count: Int(count))
    for (address, value) in words where address >= start && address + 8 <= start + count {
      for index in 0..<8 {
        bytes[Int(address - start) + index] = UInt8(
          truncatingIfNeeded: value >> (8 * UInt64(index)))
      }
    }
    return MemoryRegion(
      start: VirtualAddress(start), count: count, contents: .dumped(ByteView(copying: bytes)))
  }

  /// The process with all that was planted; guest memory is a mapping of `guestMapping` bytes.
  func process(guestMapping: UInt64 = Self.guestSize) -> HostProcess {
    let places: [(UInt64, UInt64)] = [
      (Self.globals, 0x1000), (Self.heap, 0x60000), (Self.firmware, 0x10000),
      (Self.guest, guestMapping),
    ]
    return HostProcess(
      mappings: places.map { start, count in
        HostMapping(
          start: VirtualAddress(start), end: VirtualAddress(start + count), isReadable: true,
          isWritable: true, isExecutable: false)
      } + [
        HostMapping(
          start: VirtualAddress(Self.generatedCode),
          end: VirtualAddress(Self.generatedCode + 0x1000),
          isReadable: true, isWritable: true, isExecutable: true)
      ], threads: threads,
      memory: AddressSpace(layers: [
        places.map { start, count in region(start, min(count, Self.guestSize)) }
      ]))
  }

  func search(
    release: QEMURelease? = QEMURelease(major: 7, minor: 2), guestMapping: UInt64 = Self.guestSize,
    given: [GivenRAM] = []
  ) throws -> MachineSearch.Result {
    let globals = VirtualAddress(Self.globals)..<VirtualAddress(Self.globals + 0x1000)
    return try MachineSearch(
      process: process(guestMapping: guestMapping), globals: [globals], release: release
    ).search(given: given)
  }

  /// A machine with a megabyte of memory and firmware, and two CPUs.
  static func usual(_ shape: Shape = Shape()) -> SyntheticMachine {
    var machine = SyntheticMachine(shape: shape)
    machine.addBlocks([
      Block(name: "pc.ram", host: guest, count: guestSize),
      Block(name: "0000:00:02.0/pc.bios", host: firmware, count: 0x10000, readOnly: true),
    ])
    machine.addView([
      Range(name: "pc.ram", start: 0, count: 0xa0000),
      Range(name: "vga-lowmem", start: 0xa0000, count: 0x20000),
      Range(name: "pc.ram", start: 0xc0000, count: 0x40000, offset: 0xc0000, readOnly: true),
      Range(name: "pc.bios", start: 0xffff_0000, count: 0x10000, readOnly: true),
    ])
    machine.addMachine()
    machine.link(cpus: [machine.makeCPU(1), machine.makeCPU(2)])
    // The top page table: one entry that points into memory.
    machine.set(guest + 0x4000, 0x5003)
    return machine
  }

  init(shape: Shape = Shape()) { self.shape = shape }
}
