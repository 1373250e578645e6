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

  init(_ kernel: LinuxKernel, cpu: UInt64) throws(StructureError) {
    guard let task = try kernel.currentTask(Int(clamping: cpu)) else {
      throw .noVariable("a current task of CPU \(cpu)")
    }
    address = task.address
    thread = Int32(truncatingIfNeeded: try task.member("pid").signed())
    name = try task.member("comm").inlineString()
  }
}
