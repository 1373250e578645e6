import Bytes
import QEMUProcess
import Targets
import Unwinding

/// Builds the memory of a process that uses coroutines, word by word.
///
///     0x5555_0000_0000  code          0x7e00_0000_0000  large mapping (guest RAM)
///     0x5555_1000_0000  heap          0x7f00_0000_0000  stacks, one above the other
///     0x5555_2000_0000  constants     0x7fff_0000_0000  the threads' own stacks and control blocks
struct SyntheticProcess {
  static let code: UInt64 = 0x5555_0000_0000
  static let heap: UInt64 = 0x5555_1000_0000
  static let constants: UInt64 = 0x5555_2000_0000
  static let guestMemory: UInt64 = 0x7e00_0000_0000
  static let stacks: UInt64 = 0x7f00_0000_0000
  static let threads: UInt64 = 0x7fff_0000_0000
  static let page: UInt64 = 0x1000
  static let stackSize: UInt64 = 0x5000

  // Where the "functions" are.
  static let switchReturn = code + 0x1040
  static let trampolineReturn = code + 0x2040
  static let yieldReturn = code + 0x3040
  static let entry = code + 0x4000

  /// How a coroutine's structure is arranged.
  struct Layout {
    /// Bytes before `stack`.
    var stackOffset: UInt64 = 88
    /// Bytes between `stack` and the jump buffer.
    var jumpBufferDistance: UInt64 = 16
    var wakeup: UInt64 = 64
  }

  var guardValue: UInt64 = 0x1234_5678_9abc_def1
  var layout = Layout()
  var format = JumpBufferFormat.glibcX86
  var architecture = Architecture.x86_64
  var hasGuardPages = true
  /// What the threads' control blocks hold; the same as `guardValue` unless set.
  var toldGuards: [UInt64]?
  var stackPointers: [Int: UInt64] = [:]
  var threadCount = 1
  private var words: [UInt64: UInt64] = [:]
  private var stackCount = 0
  private var heapUsed: UInt64 = 0x100

  mutating func set(_ address: UInt64, _ value: UInt64) { words[address] = value }
  func word(_ address: UInt64) -> UInt64 { words[address] ?? 0 }

  /// Writes `text` and a NUL; the words it ends in are filled up with zeros.
  mutating func setText(_ address: UInt64, _ text: String) {
    let bytes = Array(text.utf8) + [0]
    for start in stride(from: 0, to: bytes.count, by: 8) {
      let word = bytes[start..<min(start + 8, bytes.count)].reversed()
        .reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      set(address + UInt64(start), word)
    }
  }

  func mangled(_ value: UInt64) -> UInt64 {
    guard format.guardLocation != .notMangled else { return value }
    let mixed = value ^ guardValue
    let rotation = format.rotation
    return rotation == 0 ? mixed : mixed << rotation | mixed >> (64 - rotation)
  }

  mutating func allocate(_ size: UInt64) -> UInt64 {
    defer { heapUsed += (size + 15) & ~15 }
    return Self.heap + heapUsed
  }

  /// A stack's base.
  mutating func newStack() -> UInt64 {
    defer { stackCount += 1 }
    return Self.stacks + UInt64(stackCount) * Self.stackSize
  }

  struct Planted {
    var address: UInt64
    var stack: UInt64
    var stackPointer: UInt64
    var jumpBuffer: UInt64
  }

  /// Plants a coroutine whose stack pointer is `depth` bytes below its stack's end.
  mutating func addCoroutine(
    depth: UInt64 = 0x200, counter: UInt64 = Self.switchReturn, caller: UInt64 = 0,
    locksHeld: UInt64 = 0, at place: UInt64? = nil, stack: UInt64? = nil,
    leavesTraces: Bool = true
  ) -> Planted {
    let size = layout.stackOffset + layout.jumpBufferDistance + 200
    let address = place ?? allocate(size)
    let base = stack ?? newStack()
    let end = base + Self.stackSize
    let pointer = end - depth
    let buffer = address + layout.stackOffset + layout.jumpBufferDistance
    set(address, Self.entry)
    set(address + 8, 0xaa00 + address)
    set(address + 16, caller)
    set(address + 32, locksHeld)
    set(address + layout.wakeup + 8, address + layout.wakeup)
    set(address + layout.stackOffset, base)
    set(address + layout.stackOffset + 8, Self.stackSize)
    if layout.jumpBufferDistance == 32 {
      // SafeStack's own stack and size.
      set(address + layout.stackOffset + 16, Self.heap)
      set(address + layout.stackOffset + 24, Self.stackSize)
    }
    for slot in format.slots {
      var value = 0x1000 + UInt64(slot.index)
      if slot.registers.contains(architecture.stackPointer) { value = pointer }
      if slot.registers.contains(architecture.programCounter) { value = counter }
      set(buffer + UInt64(slot.index) * 8, slot.isMangled ? mangled(value) : value)
    }
    if leavesTraces {
      set(pointer - 8, counter + 0x20)
      set(end - 40, address)
    }
    return Planted(address: address, stack: base, stackPointer: pointer, jumpBuffer: buffer)
  }

  /// Copies `count` bytes word by word.
  mutating func copy(from source: UInt64, to target: UInt64, count: UInt64) {
    for offset in stride(from: UInt64(0), to: count, by: 8) {
      set(target + offset, word(source + offset))
    }
  }

  func controlBlock(_ thread: Int) -> UInt64 { Self.threads + UInt64(thread) * 0x10000 + 0xf000 }

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

  /// The process with all that was planted.
  func process() -> HostProcess {
    func mapping(_ start: UInt64, _ count: UInt64, write: Bool = true, code: Bool = false)
      -> HostMapping
    {
      HostMapping(
        start: VirtualAddress(start), end: VirtualAddress(start + count), isReadable: true,
        isWritable: write, isExecutable: code, path: code ? "/usr/bin/qemu-system-x86_64" : nil)
    }
    var mappings = [
      mapping(Self.code, 0x10000, write: false, code: true),
      mapping(Self.heap, 0x20000),
      mapping(Self.constants, 0x1000, write: false),
      mapping(Self.guestMemory, 256 << 20),
    ]
    var regions = [
      region(Self.heap, 0x20000), region(Self.constants, 0x1000),
      region(Self.guestMemory, 0x4000),
    ]
    for index in 0..<stackCount {
      let base = Self.stacks + UInt64(index) * Self.stackSize
      if hasGuardPages { mappings.append(mapping(base, Self.page, write: false)) }
      mappings.append(mapping(base + Self.page, Self.stackSize - Self.page))
      regions.append(region(base + Self.page, Self.stackSize - Self.page))
    }
    var withThreads = self
    var threads: [HostThread] = []
    for index in 0..<threadCount {
      let block = controlBlock(index)
      withThreads.set(
        block + 0x30, toldGuards.map { $0[index % $0.count] } ?? guardValue)
      var registers = RegisterState()
      registers[architecture.stackPointer] = stackPointers[index] ?? block - 0x1000
      registers[architecture.programCounter] = Self.code + 0x5000
      threads.append(
        HostThread(
          id: Int32(100 + index), registers: registers, threadPointer: VirtualAddress(block)))
      mappings.append(mapping(block - 0xf000, 0x10000))
      regions.append(withThreads.region(block - 0xf000, 0x10000))
    }
    return HostProcess(
      architecture: architecture, mappings: mappings, threads: threads,
      memory: AddressSpace(layers: [regions]))
  }

  func scan() -> CoroutineScanner.Result { CoroutineScanner(process()).scan() }
}
