import Bytes
import TimeTravel

/// What a toy machine executes. Addresses of data and numbers of registers are taken modulo what there is.
enum ToyInstruction: Hashable {
  case add(register: Int, UInt64)
  case load(register: Int, address: UInt8)
  case store(register: Int, address: UInt8)
  /// To the address that a register holds.
  case storeThrough(register: Int)
  case push(register: Int)
  case pop(register: Int)
  case jumpIfOdd(register: Int, target: UInt8)
  case jump(UInt8)
  /// Enters the handler without being counted; it returns to the next instruction.
  case fault
  case returnFromHandler
  /// To memory by its physical address.
  case storeDirect(register: Int, address: UInt8)
  /// Lets each of two virtual pages mean what the other meant.
  case swapPages(UInt8, UInt8)
  /// Lets a virtual page mean nothing.
  case unmap(UInt8)
}

/// What a device writes.
struct ToyTransfer: Hashable {
  let address: UInt8
  let byte: UInt8
}

/// A program with the moments at which interrupts come: all that a recording has to know.
struct ToyProgram {
  var instructions: [ToyInstruction]
  var handler: UInt8
  var interrupts: Set<UInt64>
  /// How many instructions were recorded.
  var length: UInt64
  /// The count at which the recording begins.
  var start: UInt64 = 0
  /// What devices write while the instruction at this count is executed.
  var transfers: [UInt64: ToyTransfer] = [:]

  var range: ClosedRange<Moment> { Moment(start)...Moment(length) }

  /// A loop of `size` instructions and a handler behind it.
  static func random(seed: UInt64, size: Int = 24, length: UInt64, start: UInt64 = 0) -> ToyProgram
  {
    var generator = Generator(seed)
    var instructions = (0..<size).map { _ in randomInstruction(&generator, size) }
    instructions.append(.jump(0))
    let handler = UInt8(instructions.count)
    instructions += [.add(register: 3, 1), .push(register: 3), .pop(register: 2)]
    instructions.append(.returnFromHandler)
    let count = Int(length / 40) + 1
    let interrupts = Set(
      (0..<count).map { _ in UInt64.random(in: start..<length, using: &generator) })
    return ToyProgram(
      instructions: instructions, handler: handler, interrupts: interrupts, length: length,
      start: start)
  }

  /// One in which memory changes behind the virtual addresses' back, too.
  static func devious(seed: UInt64, length: UInt64, start: UInt64 = 0) -> ToyProgram {
    var program = random(seed: seed, length: length, start: start)
    var generator = Generator(~seed)
    for index in program.instructions.indices.dropLast(5) {
      let register = Int.random(in: 0..<3, using: &generator)
      let address = UInt8.random(in: 0..<32, using: &generator)
      switch Int.random(in: 0..<20, using: &generator) {
      case 0, 1: program.instructions[index] = .storeDirect(register: register, address: address)
      case 2: program.instructions[index] = .swapPages(0, address % 2 + 1)
      default: break
      }
    }
    for _ in 0..<length / 25 {
      let moment = UInt64.random(in: start..<length, using: &generator)
      program.transfers[moment] = ToyTransfer(
        address: UInt8.random(in: 0..<48, using: &generator),
        byte: UInt8.random(in: 0...255, using: &generator))
    }
    return program
  }

  private static func randomInstruction(_ generator: inout Generator, _ size: Int) -> ToyInstruction
  {
    let register = Int.random(in: 0..<3, using: &generator)
    let address = UInt8.random(in: 0..<12, using: &generator)
    switch Int.random(in: 0..<16, using: &generator) {
    case 0...3: return .add(register: register, UInt64.random(in: 1..<9, using: &generator))
    case 4, 5: return .load(register: register, address: address)
    case 6...8: return .store(register: register, address: address)
    case 9: return .storeThrough(register: register)
    case 10: return .push(register: register)
    case 11: return .pop(register: register)
    case 12, 13:
      return .jumpIfOdd(
        register: register, target: UInt8.random(in: 0..<UInt8(size), using: &generator))
    case 14: return .fault
    default: return .add(register: register, 1)
    }
  }
}

/// One access of one byte.
struct ToyAccess: Hashable {
  /// A virtual address.
  let address: UInt64
  let isWrite: Bool

  func triggers(_ watchpoint: Watchpoint) -> Bool {
    guard case .virtual(let start) = watchpoint.range.start else { return false }
    let offset = address &- start.rawValue
    guard offset < watchpoint.range.count else { return false }
    switch watchpoint.access {
    case .read: return !isWrite
    case .write: return isWrite
    case .readOrWrite: return true
    }
  }
}

/// A CPU with four registers, 256 bytes of memory and a stack that grows down from the top of them.
///
/// The virtual addresses up to 255 are mapped in pages of 16 bytes, at first to the same physical ones; the next 256
/// are all of physical memory in order.
struct ToyMachine: Hashable {
  var count: UInt64
  var programCounter: UInt8 = 0
  var stackPointer: UInt8 = 255
  var words: [UInt64] = [1, 2, 3, 4]
  var memory = [UInt8](repeating: 0, count: 256)
  var hasTakenInterrupt = false
  /// Which physical page each virtual one means, if any.
  var pages: [UInt8?] = (0..<16).map { UInt8($0) }

  init(_ program: ToyProgram) { count = program.start }

  static func address(_ programCounter: UInt8) -> VirtualAddress {
    VirtualAddress(0x1000 + UInt64(programCounter))
  }

  var registers: EngineRegisters { registers(garbage: 0) }

  /// With undefined bits as an engine happens to have them.
  func registers(garbage: Int) -> EngineRegisters {
    var bytes = [programCounter, stackPointer]
    for word in words {
      for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: word >> (8 * shift))) }
    }
    let undefined = EngineRegisters.UndefinedBits(offset: bytes.count, masks: [0x0f, 0xf0])
    bytes += [UInt8(garbage & 0x0f), UInt8(garbage & 0x0f) << 4]
    return EngineRegisters(
      bytes: bytes, programCounter: Self.address(programCounter),
      stackPointer: VirtualAddress(UInt64(stackPointer)), undefined: undefined)
  }

  /// Where a virtual address lies; nil if it is mapped nowhere.
  func physical(_ address: UInt64) -> Int? {
    switch address {
    case 0..<256: pages[Int(address / 16)].map { Int($0) * 16 + Int(address % 16) }
    case 256..<512: Int(address - 256)
    default: nil
    }
  }

  /// What virtual memory holds; nil if some of it isn't mapped.
  func contents(_ start: UInt64, _ count: UInt64) -> [UInt8]? {
    guard start < 512, count <= 512 else { return nil }
    var bytes: [UInt8] = []
    for address in start..<start + count {
      guard let place = physical(address) else { return nil }
      bytes.append(memory[place])
    }
    return bytes
  }

  private func read(_ address: UInt8) -> UInt8 { physical(UInt64(address)).map { memory[$0] } ?? 0 }

  /// Executes one instruction or takes one interrupt or exception, and tells what that accessed.
  mutating func step(_ program: ToyProgram) -> [ToyAccess] {
    if program.interrupts.contains(count), !hasTakenInterrupt {
      hasTakenInterrupt = true
      return enterHandler(program, returningTo: programCounter)
    }
    let instruction = program.instructions[Int(programCounter)]
    programCounter += 1
    if instruction == .fault { return enterHandler(program, returningTo: programCounter) }
    let transfer = program.transfers[count]
    count += 1
    hasTakenInterrupt = false
    let accesses = execute(instruction)
    if let transfer { memory[Int(transfer.address)] = transfer.byte }
    return accesses
  }

  private mutating func enterHandler(_ program: ToyProgram, returningTo address: UInt8)
    -> [ToyAccess]
  {
    programCounter = program.handler
    return [push(address)]
  }

  private mutating func push(_ byte: UInt8) -> ToyAccess {
    stackPointer &-= 1
    return write(byte, UInt64(stackPointer))
  }

  private mutating func pop() -> (UInt8, ToyAccess) {
    let access = ToyAccess(address: UInt64(stackPointer), isWrite: false)
    let byte = read(stackPointer)
    stackPointer &+= 1
    return (byte, access)
  }

  private mutating func execute(_ instruction: ToyInstruction) -> [ToyAccess] {
    switch instruction {
    case .add(let register, let number): words[register] &+= number
    case .load(let register, let address):
      words[register] = UInt64(read(address))
      return [ToyAccess(address: UInt64(address), isWrite: false)]
    case .store(let register, let address): return [store(register, UInt64(address))]
    case .storeDirect(let register, let address): return [store(register, UInt64(address) + 256)]
    case .storeThrough(let register): return [store(register, words[register] % 32)]
    case .swapPages(let one, let other): pages.swapAt(Int(one), Int(other))
    case .unmap(let page): pages[Int(page)] = nil
    case .push(let register): return [push(UInt8(truncatingIfNeeded: words[register]))]
    case .pop(let register):
      let (byte, access) = pop()
      words[register] = UInt64(byte)
      return [access]
    case .jumpIfOdd(let register, let target):
      words[register] &+= 3
      if words[register] & 2 != 0 { programCounter = target }
    case .jump(let target): programCounter = target
    case .fault: break
    case .returnFromHandler:
      let (byte, access) = pop()
      programCounter = byte
      return [access]
    }
    return []
  }

  private mutating func store(_ register: Int, _ address: UInt64) -> ToyAccess {
    write(UInt8(truncatingIfNeeded: words[register]), address)
  }

  private mutating func write(_ byte: UInt8, _ address: UInt64) -> ToyAccess {
    if let place = physical(address) { memory[place] = byte }
    return ToyAccess(address: address, isWrite: true)
  }
}
