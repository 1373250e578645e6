import Bytes
import LinuxGuest
import Symbols
import Targets
import TestWorlds

/// A kernel made by hand that has nothing but tasks: one MiB of memory, seen without page tables.
struct TaskWorld {
  private(set) var bytes = [UInt8](repeating: 0, count: 1 << 20)
  static let initTask: UInt64 = 0x1_0000
  /// Where the tasks' `signal_struct`s, `struct pid`s and other things begin.
  private static let signals: UInt64 = 0x4_0000
  private static let numbers: UInt64 = 0x8_0000
  private static let table: UInt64 = 0xc_0000

  /// Members of `struct task_struct` here.
  enum Offset {
    static let state: UInt64 = 8
    static let tasks: UInt64 = 24
    static let threadNode: UInt64 = 40
    static let pid: UInt64 = 56
    static let tgid: UInt64 = 60
    static let comm: UInt64 = 168
  }

  private static let variables: [String: UInt64] = [
    "init_task": initTask, "init_pid_ns": 0x100, "runqueues": 0x200, "__per_cpu_offset": 0x300,
    "nr_cpu_ids": 0x400, "__cpu_present_mask": 0x410, "__cpu_possible_mask": 0x420,
  ]

  /// `init_task` and processes with the numbers `pids`, each of one thread, in good order.
  init(pids: [Int]) {
    put(UInt32(1), at: 0x400)
    put(UInt64(1), at: 0x410)
    put(UInt64(1), at: 0x420)
    put(Self.initTask, at: 0x200)
    put(Self.initTask, at: 0x208)
    let all = [0] + pids
    for (index, pid) in all.enumerated() { putTask(index, pid: pid) }
    linkTasks(Array(all.indices))
    // The table: one node of 64 entries.
    put(Self.table | 2, at: 0x100)
    for (index, pid) in pids.enumerated() { setNumber(pid, to: index + 1) }
  }

  /// Where the task with that index (in the order of `init`, `init_task` first) is.
  static func task(_ index: Int) -> UInt64 { initTask + UInt64(index) * 0x100 }

  private mutating func putTask(_ index: Int, pid: Int) {
    let task = Self.task(index)
    let signals = Self.signals + UInt64(index) * 0x40
    put(UInt32(pid), at: task + Offset.pid)
    put(UInt32(pid), at: task + Offset.tgid)
    put(Self.initTask, at: task + 64)
    put(signals, at: task + 88)
    put(Array("task-\(pid)".utf8), at: task + Offset.comm)
    put(UInt32(120), at: task + 188)
    put(UInt32(120), at: task + 192)
    link([signals, task + Offset.threadNode])
    let number = Self.numbers + UInt64(index) * 0x40
    put(task + 104, at: number + 8)
    put(UInt32(pid), at: number + 40)
    put(number, at: task + 96)
  }

  /// Makes the number lead to the task with that index.
  mutating func setNumber(_ pid: Int, to index: Int) {
    put(Self.numbers + UInt64(index) * 0x40, at: Self.table + 8 + UInt64(pid) * 8)
  }

  /// Makes `nodes` one circular list.
  mutating func link(_ nodes: [UInt64]) {
    for (index, node) in nodes.enumerated() {
      put(nodes[(index + 1) % nodes.count], at: node)
      put(nodes[(index + nodes.count - 1) % nodes.count], at: node + 8)
    }
  }

  /// Makes the tasks with those indices the list of processes.
  mutating func linkTasks(_ indices: [Int]) {
    link(indices.map { Self.task($0) + Offset.tasks })
  }

  mutating func put(_ value: some FixedWidthInteger, at address: UInt64) {
    put(little(value), at: address)
  }

  mutating func put(_ more: [UInt8], at address: UInt64) {
    bytes.replaceSubrange(Int(address)..<Int(address) + more.count, with: more)
  }

  var memory: VirtualMemory {
    let segment = PhysicalSegment(
      start: PhysicalAddress(0), count: UInt64(bytes.count),
      contents: .bytes(ByteView(copying: bytes)))
    return VirtualMemory(
      PhysicalMemory([segment]), X86PageTables(root: PhysicalAddress(0), mode: .none))
  }

  func kernel() throws -> LinuxKernel {
    let memory = memory
    return LinuxKernel(
      machine: Machine(
        memory: memory.physical,
        map: [MemoryMapEntry(start: PhysicalAddress(0), count: 1 << 20, kind: .ram)], cpus: []),
      release: "6.1.0-test", version: "#1", vmcoreInfo: nil,
      place: KernelPlace(
        kernelOffset: 0, physicalBase: 0, image: VirtualAddress(0)..<VirtualAddress(1 << 20),
        pageTables: X86PageTables(root: PhysicalAddress(0), mode: .none)),
      memory: memory, symbols: TaskWorldSymbols(Self.variables), types: try Self.types(),
      evidence: [], diagnostics: [])
  }

  func tasks() throws -> TaskList { try kernel().tasks() }

  static func types() throws -> BTFTypes {
    var btf = BTFAssembler()
    let word = btf.integer("unsigned long", size: 8)
    let int = btf.integer("int", size: 4, encoding: 1)
    let unsigned = btf.integer("unsigned int", size: 4)
    let byte = btf.integer("unsigned char", size: 1)
    let pointer = btf.pointer(to: 0)
    let list = btf.record("list_head", size: 16, [("next", pointer, 0), ("prev", pointer, 64)])
    let entity = btf.record("sched_entity", size: 8, [("sum_exec_runtime", word, 0)])
    let info = btf.record("thread_info", size: 8, [("cpu", unsigned, 0)])
    let text = btf.array(of: byte, count: 16)
    let links = btf.array(of: list, count: 4)
    let task: [(String, UInt32, UInt32)] = [
      ("thread_info", info, 0), ("__state", unsigned, 8), ("exit_state", unsigned, 12),
      ("flags", unsigned, 16), ("on_cpu", unsigned, 20), ("tasks", list, 24),
      ("thread_node", list, 40), ("pid", int, 56), ("tgid", int, 60), ("real_parent", pointer, 64),
      ("mm", pointer, 72), ("stack", pointer, 80), ("signal", pointer, 88),
      ("thread_pid", pointer, 96), ("pid_links", links, 104), ("comm", text, 168),
      ("policy", unsigned, 184), ("prio", int, 188), ("static_prio", int, 192),
      ("start_boottime", word, 200), ("utime", word, 208), ("stime", word, 216),
      ("se", entity, 224),
    ]
    let taskType = btf.record("task_struct", size: 256, task.map { ($0.0, $0.1, $0.2 * 8) })
    let taskPointer = btf.pointer(to: taskType)
    btf.record(
      "signal_struct", size: 64,
      [
        ("thread_head", list, 0), ("utime", word, 128), ("stime", word, 192),
        ("sum_sched_runtime", word, 256),
      ])
    let upid = btf.record("upid", size: 16, [("nr", int, 0)])
    let heads = btf.array(of: word, count: 4)
    let numbers = btf.array(of: upid, count: 1)
    btf.record(
      "pid", size: 64, [("level", unsigned, 0), ("tasks", heads, 64), ("numbers", numbers, 320)])
    let slots = btf.array(of: pointer, count: 64)
    btf.record("xa_node", size: 520, [("shift", byte, 0), ("slots", slots, 64)])
    let array = btf.record("xarray", size: 8, [("xa_head", pointer, 0)])
    let idr = btf.record("idr", size: 16, [("idr_rt", array, 0), ("idr_base", unsigned, 64)])
    btf.record("pid_namespace", size: 16, [("idr", idr, 0)])
    btf.record("rq", size: 16, [("idle", taskPointer, 0), ("curr", taskPointer, 64)])
    let pivots = btf.array(of: word, count: 15)
    let mapleSlots = btf.array(of: pointer, count: 16)
    btf.record(
      "maple_range_64", size: 256,
      [("parent", pointer, 0), ("pivot", pivots, 64), ("slot", mapleSlots, 1024)])
    let gapPivots = btf.array(of: word, count: 9)
    let gapSlots = btf.array(of: pointer, count: 10)
    btf.record(
      "maple_arange_64", size: 256,
      [("parent", pointer, 0), ("pivot", gapPivots, 64), ("slot", gapSlots, 640)])
    return try BTFTypes(btf.view)
  }
}

/// Symbols without code.
struct TaskWorldSymbols: SymbolTable {
  let addresses: [String: UInt64]

  init(_ addresses: [String: UInt64]) { self.addresses = addresses }

  var isEmpty: Bool { addresses.isEmpty }

  func symbol(at address: UInt64) -> (symbol: ELFSymbol, offset: UInt64)? { nil }

  func symbol(named name: String) -> ELFSymbol? {
    addresses[name].map {
      ELFSymbol(name: name, address: $0, size: 0, kind: .object, binding: .global)
    }
  }

  func symbols(named name: String) -> [ELFSymbol] { symbol(named: name).map { [$0] } ?? [] }
}
