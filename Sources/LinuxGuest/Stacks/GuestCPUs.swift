public import Bytes
import Symbols
public import Targets

/// One CPU as the kernel knows it: what it runs, and which virtual CPU it is.
public struct GuestCPU: Sendable {
  /// The kernel's number.
  public let number: Int
  /// What has to be added to the address of a per-CPU variable.
  public let perCPUOffset: UInt64
  /// Nil if the source has no registers of it.
  public let vcpu: VCPU?
  /// The `struct task_struct` that `current` is on it; nil if that can't be read.
  public let current: VirtualAddress?
  /// What its run queue calls the running task.
  public let scheduled: VirtualAddress?
  /// Its idle task.
  public let idle: VirtualAddress?
}

/// The CPUs of a guest that are online. Others run nothing of the kernel's, whatever was left behind
/// in their variables.
struct GuestCPUs: Sendable {
  private(set) var all: [GuestCPU] = []
  private(set) var diagnostics: [String] = []

  /// More than any kernel can be built for (`NR_CPUS` with MAXSMP is 8192).
  static let limit = 8192

  init(_ kernel: LinuxKernel) {
    let reader = PerCPUReader(kernel)
    let vcpus = VCPUsByArea(kernel.machine.cpus)
    for number in 0..<min(reader.count, Self.limit) {
      guard reader.isOnline(number), let offset = reader.offset(of: number) else { continue }
      all.append(
        GuestCPU(
          number: number, perCPUOffset: offset, vcpu: vcpus.vcpu(offset, number: number),
          current: reader.current(offset), scheduled: reader.runQueueTask("curr", offset),
          idle: reader.runQueueTask("idle", offset)))
    }
    tellDisagreements(of: kernel.machine.cpus)
  }

  private mutating func tellDisagreements(of vcpus: [VCPU]) {
    for cpu in all {
      if let current = cpu.current, let scheduled = cpu.scheduled, current != scheduled {
        diagnostics.append(
          "CPU \(cpu.number): current is the task at \(current), its run queue's the one at \(scheduled): it is switching"
        )
      }
    }
    for vcpu in vcpus where !all.contains(where: { $0.vcpu?.index == vcpu.index }) {
      diagnostics.append("virtual CPU \(vcpu.index) is none of the kernel's online CPUs")
    }
  }
}

/// Which virtual CPU is which of the kernel's: the GS base of one is the offset of its per-CPU area,
/// and while a program runs there it is the one that `swapgs` will bring.
private struct VCPUsByArea {
  private var byBase: [UInt64: VCPU] = [:]
  /// Those whose bases aren't known: their numbers must do.
  private var byNumber: [Int: VCPU] = [:]

  init(_ vcpus: [VCPU]) {
    for vcpu in vcpus {
      let bases = [vcpu.x86.segments[.gs]?.base, vcpu.x86[.kernelGSBase]].compactMap { $0 }
      // Only the kernel's has the highest bit set.
      let areas = bases.filter { $0 >> 63 == 1 }
      for base in areas where byBase[base] == nil { byBase[base] = vcpu }
      if areas.isEmpty { byNumber[vcpu.index] = vcpu }
    }
  }

  func vcpu(_ offset: UInt64, number: Int) -> VCPU? { byBase[offset] ?? byNumber[number] }
}

/// Reads per-CPU variables that stacks depend on.
struct PerCPUReader {
  let kernel: LinuxKernel

  init(_ kernel: LinuxKernel) { self.kernel = kernel }

  /// How many CPUs may be numbered.
  var count: Int {
    guard let symbol = kernel.symbols.symbol(named: "nr_cpu_ids") else {
      return max(kernel.machine.cpus.count, 1)
    }
    do throws(MemoryFault) {
      return Int(try kernel.memory.load(UInt32.self, at: VirtualAddress(symbol.address)))
    } catch {
      return max(kernel.machine.cpus.count, 1)
    }
  }

  /// Whether the kernel runs on that CPU: its bit of `__cpu_online_mask` (kernel/cpu.c). True if that
  /// can't be read.
  func isOnline(_ cpu: Int) -> Bool {
    guard let symbol = kernel.symbols.symbol(named: "__cpu_online_mask"),
      let bits = word(symbol.address &+ 8 &* UInt64(cpu / 64))
    else { return true }
    return bits & 1 << UInt64(cpu % 64) != 0
  }

  /// `__per_cpu_offset[cpu]` (arch/x86/kernel/setup_percpu.c); nil for a CPU without an area.
  func offset(of cpu: Int) -> UInt64? {
    guard let symbol = kernel.symbols.symbol(named: "__per_cpu_offset"),
      let value = word(symbol.address &+ 8 &* UInt64(cpu)), value != 0
    else { return nil }
    // CPUs that can't exist keep what the array is initialised with: the image's own copy.
    guard let initial = kernel.symbols.symbol(named: "__per_cpu_load")?.address else {
      return value
    }
    return value == initial ? nil : value
  }

  /// The per-CPU variable of that name.
  func variable(_ name: String, _ offset: UInt64) -> UInt64? {
    kernel.symbols.symbol(named: name).map { $0.address &+ offset }
  }

  /// Where a CPU keeps a pointer that has moved about, newest place first (arch/x86/include/asm):
  /// a member of `struct pcpu_hot` from 6.2 to 6.14 (current.h), a variable of its own before and
  /// after.
  static let places: [String: (member: String, variables: [String])] = [
    "current": ("current_task", ["current_task", "const_current_task"]),
    "hardirqStack": ("hardirq_stack_ptr", ["hardirq_stack_ptr", "irq_stack_ptr"]),
  ]

  func pointer(_ what: String, _ offset: UInt64) -> UInt64? {
    guard let place = Self.places[what] else { return nil }
    if let hot = variable("pcpu_hot", offset) {
      do throws(StructureError) {
        let object = try kernel.object("struct pcpu_hot", at: VirtualAddress(hot))
        if try object.hasMember(place.member) {
          return try object.member(place.member).unsigned()
        }
      } catch {
        return nil
      }
    }
    for name in place.variables {
      if let address = variable(name, offset) { return word(address) }
    }
    return nil
  }

  func current(_ offset: UInt64) -> VirtualAddress? {
    pointer("current", offset).flatMap { $0 == 0 ? nil : VirtualAddress($0) }
  }

  /// A task that the CPU's run queue names.
  func runQueueTask(_ member: String, _ offset: UInt64) -> VirtualAddress? {
    guard let address = variable("runqueues", offset) else { return nil }
    do throws(StructureError) {
      let task = try kernel.object("struct rq", at: VirtualAddress(address)).member(member)
        .unsigned()
      return task == 0 ? nil : VirtualAddress(task)
    } catch {
      return nil
    }
  }

  private func word(_ address: UInt64) -> UInt64? {
    do throws(MemoryFault) {
      return try kernel.memory.word(at: VirtualAddress(address))
    } catch {
      return nil  // Not in the dump.
    }
  }
}
