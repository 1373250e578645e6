internal import Bytes
internal import Symbols
internal import Targets

/// The table of process numbers of the first PID namespace (`init_pid_ns.idr`, kernel/pid.c): every
/// number in use leads to a `struct pid`, and that to the task.
///
///     init_pid_ns.idr.idr_rt   the radix tree; an index is a number less idr_base
///     struct pid.tasks[0]      PIDTYPE_PID: the first node of a list in task_struct.pid_links[0]
struct ProcessNumbers: Sendable {
  private(set) var tasks: [(number: UInt64, task: VirtualAddress)] = []
  /// What couldn't be followed, a line each.
  private(set) var damage: [String] = []

  init(_ kernel: LinuxKernel, _ reader: TaskReader, limit: Int) throws(StructureError) {
    let idr = try kernel.variable("init_pid_ns", "struct pid_namespace").member("idr")
    let root = try idr.member("idr_rt.xa_head").unsigned()
    let base = try idr.member("idr_base").unsigned()
    let array = XArray(
      root: root, layout: try StructureLayout(kernel.types), in: kernel.memory,
      // Numbers of groups and sessions whose leaders are gone are in use as well.
      limit: 2 * limit)
    damage = array.damage.map { "the table of process numbers: \($0)" }
    let links = try reader.task.place(of: .pidLinks).offset
    for entry in array.entries {
      let number = entry.index &+ base
      do throws(StructureError) {
        let pid = StructureImage(reader.pid, at: entry.pointer, in: kernel.memory)
        // PIDTYPE_PID is the first of `enum pid_type`, and a list's head is one pointer.
        let first = try pid.word(0, of: .tasks)
        if first != 0 { tasks.append((number, VirtualAddress(first) &- links)) }
      } catch {
        damage.append("process number \(number): \(error)")
      }
    }
  }
}
