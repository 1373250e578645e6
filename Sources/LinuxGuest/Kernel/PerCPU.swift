internal import Bytes
internal import Symbols
public import Targets

/// Which of the kernel's sets of CPUs (kernel/cpu.c).
public enum CPUSet: String, CaseIterable, Hashable, Sendable {
  /// Those that may ever be there: each has its own copy of every per-CPU variable.
  case possible = "__cpu_possible_mask"
  /// Those that are plugged in.
  case present = "__cpu_present_mask"
  /// Those that run.
  case online = "__cpu_online_mask"
}

/// Where a CPU keeps the task that it runs: the names under which kernels have it.
struct CurrentTaskPlace: Sendable {
  let variable: String
  let type: String
  /// Nil where the variable is the pointer itself.
  let member: String?
  let source: String

  /// arch/x86/include/asm/current.h in all versions.
  static let alternatives = [
    CurrentTaskPlace(
      variable: "pcpu_hot", type: "struct pcpu_hot", member: "current_task", source: "6.2–6.14"),
    CurrentTaskPlace(
      variable: "current_task", type: "unsigned long", member: nil, source: "–6.1, 6.15–"),
  ]
}

extension LinuxKernel {
  /// More CPUs no kernel can have (`NR_CPUS`, arch/x86/Kconfig).
  static let cpuLimit = 8192

  /// The numbers of a set's CPUs, in ascending order. Only the first `nr_cpu_ids` bits count.
  public func cpus(_ set: CPUSet) throws(StructureError) -> [Int] {
    let count = try cpuNumbers()
    let mask = try address(of: set.rawValue)
    var numbers: [Int] = []
    do throws(MemoryFault) {
      for start in stride(from: 0, to: count, by: 64) {
        var word = try memory.word(at: mask &+ UInt64(start) / 8)
        if count - start < 64 { word &= 1 << UInt64(count - start) - 1 }
        while word != 0 {
          numbers.append(start + word.trailingZeroBitCount)
          word &= word - 1
        }
      }
    } catch {
      throw .memory(error)
    }
    return numbers
  }

  /// `nr_cpu_ids`: one more than the highest number of a possible CPU.
  private func cpuNumbers() throws(StructureError) -> Int {
    let place = try address(of: "nr_cpu_ids")
    let count: UInt32
    do throws(MemoryFault) {
      count = try memory.load(UInt32.self, at: place)
    } catch {
      throw .memory(error)
    }
    guard (1...Self.cpuLimit).contains(Int(count)) else {
      throw .wrongType(wanted: "number of CPUs", address: place)
    }
    return Int(count)
  }

  /// How far the copy of a per-CPU variable that belongs to `cpu` is from where its symbol is:
  /// `__per_cpu_offset[cpu]` (arch/x86/kernel/setup_percpu.c); 0 in a kernel for one CPU.
  ///
  /// The CPU must be a possible one: what the others' entries hold leads nowhere.
  public func perCPUOffset(_ cpu: Int) throws(StructureError) -> UInt64 {
    guard let offsets = symbols.symbol(named: "__per_cpu_offset") else {
      if cpu == 0 { return 0 }
      throw .noVariable("__per_cpu_offset")
    }
    let place = VirtualAddress(offsets.address)
    guard (0..<Self.cpuLimit).contains(cpu), cpu < (try cpuNumbers()) else {
      throw .wrongType(wanted: "offset of CPU \(cpu)", address: place)
    }
    do throws(MemoryFault) {
      return try memory.word(at: place &+ UInt64(cpu) * 8)
    } catch {
      throw .memory(error)
    }
  }

  /// The copy of the per-CPU variable `name`, of the type `type`, that belongs to `cpu`.
  ///
  ///     try kernel.perCPU("runqueues", "struct rq", cpu: 1)
  public func perCPU(
    _ name: String, _ type: String, cpu: Int
  ) throws(StructureError) -> TypedAddress {
    try object(type, at: address(of: name) &+ perCPUOffset(cpu))
  }

  /// What a per-CPU pointer (`__percpu` in C) leads to for `cpu`: the value it holds is no address.
  public func perCPU(
    at pointer: TypedAddress, cpu: Int
  ) throws(StructureError) -> TypedAddress? {
    guard let target = try pointer.pointee() else { return nil }
    return TypedAddress(
      address: target.address &+ (try perCPUOffset(cpu)), type: target.type, memory: memory)
  }

  /// The `struct task_struct` that `cpu` runs; nil if it has none yet.
  public func currentTask(_ cpu: Int) throws(StructureError) -> TypedAddress? {
    for place in CurrentTaskPlace.alternatives where symbols.symbol(named: place.variable) != nil {
      var pointer = try perCPU(place.variable, place.type, cpu: cpu)
      if let member = place.member { pointer = try pointer.member(member) }
      let task = try pointer.unsigned()
      guard task != 0 else { return nil }
      return try object("struct task_struct", at: VirtualAddress(task))
    }
    throw .noVariable(CurrentTaskPlace.alternatives.map(\.variable).joined(separator: " or "))
  }

  /// Where the symbol `name` is.
  func address(of name: String) throws(StructureError) -> VirtualAddress {
    guard let symbol = symbols.symbol(named: name) else { throw .noVariable(name) }
    return VirtualAddress(symbol.address)
  }

  /// Whether `value`, which a symbol has, is the place of a per-CPU variable: not an address but
  /// what has to be added to a CPU's offset. `__per_cpu_start` is 0 up to 6.14, and an address of the
  /// image since 6.15 (arch/x86/kernel/vmlinux.lds.S).
  public func isPerCPU(_ value: UInt64) -> Bool {
    guard let start = symbols.symbol(named: "__per_cpu_start"),
      let end = symbols.symbol(named: "__per_cpu_end")
    else { return false }
    return start.address <= value && value < end.address
  }
}
