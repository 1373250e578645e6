public import Bytes
internal import Targets

/// That a kernel panicked, or is about to.
public struct KernelPanic: Hashable, Sendable {
  /// The CPU that panicked (`panic_cpu`).
  public let cpu: Int
  /// What ran there; nil if it can't be read.
  public let task: PanickedTask?

  public init(cpu: Int, task: PanickedTask?) {
    self.cpu = cpu
    self.task = task
  }

  /// The panic of `kernel`; nil if it hasn't panicked.
  init?(_ kernel: LinuxKernel) throws(StructureError) {
    // `PANIC_CPU_INVALID`, include/linux/panic.h.
    let cpu = try kernel.intVariable("panic_cpu")
    guard cpu >= 0 else { return nil }
    self.cpu = Int(cpu)
    do throws(StructureError) {
      task = try PanickedTask(kernel, cpu: UInt64(UInt32(bitPattern: cpu)))
    } catch {
      // The panic is the news; its log usually names the task too.
      task = nil
    }
  }
}

/// The task that ran on the CPU that panicked.
public struct PanickedTask: Hashable, Sendable {
  public let address: VirtualAddress
  /// The thread's number in the guest (`pid`); 0 is a CPU's idle task.
  public let thread: Int32
  public let name: String

  public init(address: VirtualAddress, thread: Int32, name: String) {
    self.address = address
    self.thread = thread
    self.name = name
  }

  /// Where a CPU's current task is kept: a variable of the CPU's, and a member of it
  /// (arch/x86/include/asm/current.h).
  static let places: [(variable: String, type: String?, member: String)] = [
    // 6.2 to 6.14.
    ("pcpu_hot", "struct pcpu_hot", "current_task"),
    // Before, and again from 6.15: the pointer itself.
    ("current_task", nil, ""),
  ]

  init(_ kernel: LinuxKernel, cpu: UInt64) throws(StructureError) {
    for place in Self.places where kernel.symbols.symbol(named: place.variable) != nil {
      var pointer = try kernel.address(of: place.variable, cpu: cpu)
      if let type = place.type {
        pointer = try kernel.object(type, at: pointer).member(place.member).address
      }
      let task = try kernel.object(
        "struct task_struct", at: VirtualAddress(kernel.word(at: pointer)))
      address = task.address
      thread = Int32(truncatingIfNeeded: try task.member("pid").signed())
      name = try task.member("comm").inlineString()
      return
    }
    throw .noVariable("current_task")
  }
}
