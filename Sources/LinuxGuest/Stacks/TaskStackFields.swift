import Bytes
import Targets

/// Where `struct task_struct` keeps what its kernel stack is read from, and how the stack of a task
/// that doesn't run begins.
struct TaskStackFields: Sendable {
  /// `stack`: the lowest address of the stack, or null when it was given back.
  let stack: UInt64
  /// `thread.sp`: the stack pointer of a task that doesn't run.
  let stackPointer: UInt64
  /// `on_cpu`; nil in kernels for one CPU.
  let onCPU: UInt64?
  /// `stack_refcount`: 0 when the stack was given back; nil if the kernel doesn't count.
  let references: UInt64?
  /// In bytes.
  let stackSize: UInt64
  let inactiveFrame: InactiveTaskFrame

  init(_ kernel: LinuxKernel) throws(StructureError) {
    let task = try kernel.object("struct task_struct", at: VirtualAddress(0))
    stack = try task.member("stack").address.rawValue
    stackPointer = try task.member("thread.sp").address.rawValue
    onCPU = try task.offset(ofOptional: "on_cpu")
    references = try task.offset(ofOptional: "stack_refcount")
    stackSize = try Self.stackSize(kernel)
    inactiveFrame = try InactiveTaskFrame(kernel)
  }

  /// `THREAD_SIZE`: what `union thread_union` (include/linux/sched.h) is for, and as a rule 16 KiB
  /// (arch/x86/include/asm/page_64_types.h).
  private static func stackSize(_ kernel: LinuxKernel) throws(StructureError) -> UInt64 {
    do throws(StructureError) {
      let size = try kernel.object("union thread_union", at: VirtualAddress(0)).byteCount()
      if let size, size.nonzeroBitCount == 1, (1 << 12...1 << 18).contains(size) { return size }
    } catch .noType {
      // Types that leave it out say nothing against the rule.
    }
    return 1 << 14
  }
}

extension TypedAddress {
  /// How far the member at `path` is from address 0; nil if this kernel has none.
  func offset(ofOptional path: String) throws(StructureError) -> UInt64? {
    try hasMember(path) ? try member(path).address.rawValue : nil
  }
}

/// `struct inactive_task_frame` (arch/x86/include/asm/switch_to.h), which `__switch_to_asm` leaves on
/// the stack of a task that it switches away from:
///
///     sp+0   r15  r14  r13  r12  bx  bp
///     sp+48  ret_addr                     behind the call of `__switch_to_asm`
///     sp+56
struct InactiveTaskFrame: Sendable {
  /// DWARF numbers and where each register lies.
  let registers: [(number: UInt16, offset: UInt64)]
  let size: UInt64

  /// The members' names and the registers' DWARF numbers.
  static let members: [(name: String, number: UInt16)] = [
    ("r15", 15), ("r14", 14), ("r13", 13), ("r12", 12), ("bx", 3), ("bp", 6), ("ret_addr", 16),
  ]

  init(_ kernel: LinuxKernel) throws(StructureError) {
    let frame = try kernel.object("struct inactive_task_frame", at: VirtualAddress(0))
    var registers: [(number: UInt16, offset: UInt64)] = []
    for member in Self.members {
      registers.append((member.number, try frame.member(member.name).address.rawValue))
    }
    guard let size = try frame.byteCount(), size <= 4096 else {
      throw .wrongType(wanted: "struct inactive_task_frame", address: frame.address)
    }
    self.registers = registers
    self.size = size
  }
}
