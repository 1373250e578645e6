internal import Bytes
internal import Symbols
internal import Targets

/// What `/proc/PID/comm` tells of kernel threads beyond `comm` (proc_task_name in fs/proc/array.c):
/// names that are longer, and what a worker works on.
struct KernelThreadNames: Sendable {
  private let thread: StructureLayout<KernelThreadMember>
  private let worker: StructureLayout<WorkerMember>
  private let queue: StructureLayout<WorkQueueMember>
  private let memory: VirtualMemory

  init(_ kernel: LinuxKernel) throws(StructureError) {
    thread = try StructureLayout(kernel.types)
    worker = try StructureLayout(kernel.types)
    queue = try StructureLayout(kernel.types)
    memory = kernel.memory
  }

  /// Nil if there is no more to tell than `comm`.
  func fullName(
    of task: GuestTask, _ image: StructureImage<TaskMember>
  ) throws(StructureError) -> String? {
    // Idle tasks have no `struct kthread` worth the name.
    guard task.flags.contains(.kernelThread), task.pid != 0,
      let address = try image.pointer(.kernelThread)
    else { return nil }
    let kernelThread = StructureImage(thread, at: address, in: memory)
    if task.flags.contains(.worker) { return try workerName(of: task, kernelThread) }
    guard thread[.fullName] != nil, let name = try kernelThread.pointer(.fullName) else {
      return nil
    }
    let text = try text(at: name)
    // A name that doesn't begin as `comm` does was overwritten, or is no name.
    return text.hasPrefix(task.comm) && text != task.comm ? text : nil
  }

  /// What the workers begin with that help a queue out when memory is short; since 6.10 (before,
  /// they had the queue's name alone), and the rest may not fit into `comm`.
  private static let rescuer = "kworker/R-"

  /// `wq_worker_comm` (kernel/workqueue.c): `+` while it works, `-` with what it worked on last.
  private func workerName(
    of task: GuestTask, _ kernelThread: StructureImage<KernelThreadMember>
  ) throws(StructureError) -> String? {
    guard let address = try kernelThread.pointer(.data) else { return nil }
    let worker = StructureImage(worker, at: address, in: memory)
    if task.comm.hasPrefix(Self.rescuer), let queue = try worker.pointer(.rescued) {
      let name = try StructureImage(self.queue, at: queue, in: memory).text(.name)
      return Self.rescuer + name == task.comm ? nil : Self.rescuer + name
    }
    guard try worker.pointer(.pool) != nil else { return nil }
    let description = try worker.text(.description)
    guard !description.isEmpty else { return nil }
    return task.comm + (try worker.pointer(.currentWork) == nil ? "-" : "+") + description
  }

  private func text(at address: VirtualAddress) throws(StructureError) -> String {
    do throws(MemoryFault) {
      return String(decoding: try memory.cString(at: address, limit: 64).bytes, as: UTF8.self)
    } catch {
      throw .memory(error)
    }
  }
}
