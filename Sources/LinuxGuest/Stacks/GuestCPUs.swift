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
  /// What its run queue calls the running task; nil if that can't be read.
  public let scheduled: VirtualAddress?
}

/// The CPUs on which a guest's kernel runs: those that are online, and those that a panic stopped,
/// which then count as offline (`stop_this_cpu`, arch/x86/kernel/process.c) but stand in the kernel
/// all the same. Others run nothing, whatever was left behind in their variables.
struct GuestCPUs: Sendable {
  private(set) var all: [GuestCPU] = []
  private(set) var diagnostics: [String] = []

  /// Throws if the kernel doesn't tell which CPUs there are.
  init(_ kernel: LinuxKernel) throws(StructureError) {
    let vcpus = VCPUsByArea(kernel.machine.cpus)
    let online = Set(try kernel.cpus(.online))
    for number in try kernel.cpus(.possible) {
      do throws(StructureError) {
        let offset = try kernel.perCPUOffset(number)
        guard online.contains(number) || vcpus.isRunning(offset) else { continue }
        let scheduled = try kernel.perCPU("runqueues", "struct rq", cpu: number).member("curr")
          .unsigned()
        all.append(
          GuestCPU(
            number: number, perCPUOffset: offset, vcpu: vcpus.vcpu(offset, number: number),
            current: try kernel.currentTask(number)?.address,
            scheduled: scheduled == 0 ? nil : VirtualAddress(scheduled)))
      } catch {
        diagnostics.append("CPU \(number): what it runs can't be read: \(error)")
      }
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
      diagnostics.append(
        "virtual CPU \(vcpu.index) runs nothing of the kernel's: none of its CPUs has that GS base")
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
      // Only the kernel's has the highest bit set; in a kernel for one CPU it is small.
      let areas = bases.filter { $0 >> 63 == 1 }
      for base in areas where byBase[base] == nil { byBase[base] = vcpu }
      if areas.isEmpty { byNumber[vcpu.index] = vcpu }
    }
  }

  /// Whether a virtual CPU has the area at `offset` for its own.
  func isRunning(_ offset: UInt64) -> Bool { byBase[offset] != nil }

  func vcpu(_ offset: UInt64, number: Int) -> VCPU? { byBase[offset] ?? byNumber[number] }
}
