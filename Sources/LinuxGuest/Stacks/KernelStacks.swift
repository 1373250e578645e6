public import Bytes
public import Targets
public import Unwinding

/// Finds the kernel stack of each task, wherever it is at the moment. May be asked by several threads
/// at once.
public struct KernelStacks: Sendable {
  public let kernel: LinuxKernel
  /// The kernel with its unwind tables and names.
  public let process: Process
  public let cpus: [GuestCPU]
  public let areas: KernelStackAreas
  /// What is doubtful, a line each.
  public let diagnostics: [String]
  let fields: TaskStackFields
  /// Where a new task begins to run: code that no call precedes.
  private let firstInstructions: Set<UInt64>

  /// The names of that code: `ret_from_fork_asm` since 6.6 (arch/x86/entry/entry_64.S).
  static let forkReturns = ["ret_from_fork", "ret_from_fork_asm"]

  /// Code that tracers have functions return to instead of their callers.
  private let returnTrampolines: Set<UInt64>

  /// Its names: the function graph tracer's (arch/x86/kernel/ftrace_64.S) and those of probes at
  /// returns (arch/x86/kernel/rethook.c since 5.19, kprobes/core.c before).
  static let trampolineNames = [
    "return_to_handler", "arch_rethook_trampoline", "__kretprobe_trampoline",
    "kretprobe_trampoline",
  ]

  /// Throws if the kernel's types don't tell where a task's stack is.
  public init(
    _ kernel: LinuxKernel, debugFile: KernelDebugFile? = nil
  ) throws(StructureError) {
    self.kernel = kernel
    process = kernel.process(debugFile: debugFile)
    let cpus = try GuestCPUs(kernel)
    self.cpus = cpus.all
    areas = KernelStackAreas(kernel, cpus.all)
    diagnostics = process.diagnostics + cpus.diagnostics
    fields = try TaskStackFields(kernel)
    firstInstructions = Self.addresses(of: Self.forkReturns, kernel)
    returnTrampolines = Self.addresses(of: Self.trampolineNames, kernel)
  }

  private static func addresses(of names: [String], _ kernel: LinuxKernel) -> Set<UInt64> {
    Set(names.compactMap { kernel.symbols.symbol(named: $0)?.address })
  }

  /// The CPU whose registers are those of the task at `address`; nil if none runs it.
  public func cpu(running address: VirtualAddress) -> GuestCPU? {
    cpus.first { $0.current == address }
  }

  /// The kernel stack of `task`: at most `limit` frames of it.
  public func stack(of task: GuestTask, limit: Int = Process.defaultFrameLimit) -> KernelStack {
    if let cpu = cpu(running: task.address) { return running(task, on: cpu, limit) }
    if task.isOnCPU == true {
      return KernelStack(
        task: task, origin: .runningUnseen(cpu: task.cpu),
        notes: ["on_cpu is set, but it is the current task of no CPU"])
    }
    return switchedOut(task, limit)
  }

  // MARK: On a CPU

  private func running(_ task: GuestTask, on cpu: GuestCPU, _ limit: Int) -> KernelStack {
    guard let vcpu = cpu.vcpu, let userMode = vcpu.x86.isInUserMode, vcpu.x86.rip != nil,
      vcpu.x86.mode.map({ $0 == .long || $0 == .compatibility }) ?? true
    else {
      return KernelStack(task: task, origin: .runningUnseen(cpu: cpu.number))
    }
    let registers = RegisterState(vcpu.x86)
    var notes: [String] = []
    if task.isOnCPU == false {
      notes.append("it is current on CPU \(cpu.number), but on_cpu isn't set")
    }
    switch vcpu.freshness {
    case .stale: notes.append("the CPU's registers are of an earlier moment: KVM had the true ones")
    case .torn: notes.append("the CPU ran while it was read: its registers may be of two moments")
    case .current, .unknown: break
    }
    if userMode {
      return KernelStack(
        task: task, origin: .user(cpu: cpu.number), registers: registers, notes: notes)
    }
    return unwound(
      task, .running(cpu: cpu.number), registers, isAfterCall: false, limit, notes: notes)
  }

  // MARK: Switched away from

  private func switchedOut(_ task: GuestTask, _ limit: Int) -> KernelStack {
    let stack: UInt64
    let pointer: VirtualAddress
    do throws(MemoryFault) {
      stack = try kernel.memory.word(at: task.address &+ fields.stack)
      if let references = fields.references,
        try kernel.memory.load(UInt32.self, at: task.address &+ references) == 0
      {
        return KernelStack(task: task, origin: .none(reason: "its stack was given back"))
      }
      pointer = VirtualAddress(
        try kernel.memory.word(at: task.address &+ fields.stackPointer))
    } catch {
      return KernelStack(task: task, origin: .none(reason: "\(error)"))
    }
    guard stack != 0 else {
      return KernelStack(task: task, origin: .none(reason: "its stack was given back"))
    }
    let frame = fields.inactiveFrame
    // Anywhere else it would be someone else's stack, or none.
    guard let depth = pointer.offset(from: VirtualAddress(stack)), depth < fields.stackSize,
      fields.stackSize - depth >= frame.size
    else {
      return KernelStack(
        task: task,
        origin: .none(
          reason: "its stack pointer \(pointer) isn't in its stack at \(VirtualAddress(stack))"))
    }
    var registers = RegisterState()
    registers[RegisterNumber(7)] = pointer.rawValue &+ frame.size
    do throws(MemoryFault) {
      for (number, offset) in frame.registers {
        registers[RegisterNumber(number)] = try kernel.memory.word(at: pointer &+ offset)
      }
    } catch {
      return KernelStack(task: task, origin: .none(reason: "its stack: \(error)"))
    }
    let pc = registers[RegisterNumber(16)] ?? 0
    return unwound(
      task, .switchedOut, registers, isAfterCall: !firstInstructions.contains(pc), limit)
  }

  private func unwound(
    _ task: GuestTask, _ origin: KernelStack.Origin, _ registers: RegisterState,
    isAfterCall: Bool, _ limit: Int, notes: [String] = []
  ) -> KernelStack {
    let backtrace = process.backtrace(from: registers, limit: limit, isAfterCall: isAfterCall)
    var notes = notes
    if backtrace.frames.dropFirst().contains(where: {
      returnTrampolines.contains($0.pc.rawValue)
    }) {
      notes.append(
        "a tracer took a return address away, which isn't looked for: callers are missing")
    }
    return KernelStack(
      task: task, origin: origin, registers: registers, backtrace: backtrace,
      interruptions: Interruption.all(in: backtrace, of: process), notes: notes)
  }

  // MARK: Names of stacks

  /// What the stack is called that `frame` of `task` is on; nil if it is none that is known.
  public func stackName(of frame: Frame, task: GuestTask) -> String? {
    guard let pointer = frame.registers[RegisterNumber(7)] else { return nil }
    let address = VirtualAddress(pointer)
    if let stack = task.stack, let depth = address.offset(from: stack), depth <= fields.stackSize {
      return "task stack"
    }
    return areas.area(containing: address).map { "\($0.name) of CPU \($0.cpu)" }
  }
}
