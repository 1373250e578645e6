/// What is read of `struct task_struct` (include/linux/sched.h), under every name that kernels
/// from 5.4 on give it.
enum TaskMember: Int, StructureMember {
  case tasks, threadNode, processID, groupID, realParent, command, state, exitState
  case cpu, isOnCPU, flags, policy, priority, staticPriority, startTime, userTime, systemTime
  case runTime, previousUserTime, previousSystemTime, memory, stack, signals, pid, pidLinks
  case kernelThread

  static let structure = "struct task_struct"

  var names: [MemberName] {
    switch self {
    case .tasks: [MemberName("tasks", "5.4–")]
    case .threadNode: [MemberName("thread_node", "5.4–, include/linux/sched.h")]
    case .processID: [MemberName("pid", "5.4–")]
    case .groupID: [MemberName("tgid", "5.4–")]
    case .realParent: [MemberName("real_parent", "5.4–")]
    case .command: [MemberName("comm", "5.4–")]
    case .state:
      [
        MemberName("__state", "5.14–, unsigned int"),
        MemberName("state", "5.4–5.13, volatile long"),
      ]
    case .exitState: [MemberName("exit_state", "5.4–")]
    case .cpu:
      [
        MemberName("thread_info.cpu", "5.16–, arch/x86/include/asm/thread_info.h"),
        MemberName("cpu", "5.4–5.15, with CONFIG_THREAD_INFO_IN_TASK"),
      ]
    case .isOnCPU: [MemberName("on_cpu", "5.4–, with CONFIG_SMP; always since 6.17")]
    case .flags: [MemberName("flags", "5.4–")]
    case .policy: [MemberName("policy", "5.4–")]
    case .priority: [MemberName("prio", "5.4–")]
    case .staticPriority: [MemberName("static_prio", "5.4–")]
    // What /proc shows; `start_time` is a little earlier, and stands still while the machine sleeps.
    case .startTime:
      [
        MemberName("start_boottime", "5.5–, nanoseconds of CLOCK_BOOTTIME"),
        MemberName("real_start_time", "–5.4"),
      ]
    case .userTime: [MemberName("utime", "5.4–, nanoseconds")]
    case .systemTime: [MemberName("stime", "5.4–, nanoseconds")]
    case .runTime: [MemberName("se.sum_exec_runtime", "5.4–, nanoseconds")]
    case .previousUserTime: [MemberName("prev_cputime.utime", "5.4–")]
    case .previousSystemTime: [MemberName("prev_cputime.stime", "5.4–")]
    case .memory: [MemberName("mm", "5.4–")]
    case .stack: [MemberName("stack", "5.4–")]
    case .signals: [MemberName("signal", "5.4–")]
    case .pid: [MemberName("thread_pid", "5.4–")]
    case .pidLinks: [MemberName("pid_links", "5.4–")]
    case .kernelThread:
      [
        MemberName("worker_private", "5.17–, kernel/kthread.c: to_kthread"),
        MemberName("set_child_tid", "5.4–5.16, kernel/kthread.c: to_kthread"),
      ]
    }
  }
}

/// What is read of `struct signal_struct` (include/linux/sched/signal.h), which the threads of a
/// process share.
enum SignalMember: Int, StructureMember {
  case threadHead, userTime, systemTime, runTime
  case previousUserTime, previousSystemTime

  static let structure = "struct signal_struct"

  var names: [MemberName] {
    switch self {
    case .threadHead: [MemberName("thread_head", "5.4–")]
    case .userTime: [MemberName("utime", "5.4–, of threads that ended")]
    case .systemTime: [MemberName("stime", "5.4–, of threads that ended")]
    case .runTime: [MemberName("sum_sched_runtime", "5.4–, of threads that ended")]
    case .previousUserTime: [MemberName("prev_cputime.utime", "5.4–")]
    case .previousSystemTime: [MemberName("prev_cputime.stime", "5.4–")]
    }
  }
}

/// What is read of `struct pid` (include/linux/pid.h), one identifier in all its namespaces.
enum PIDMember: Int, StructureMember {
  case level, tasks, numbers

  static let structure = "struct pid"

  var names: [MemberName] {
    switch self {
    case .level: [MemberName("level", "5.4–")]
    case .tasks: [MemberName("tasks", "5.4–, by enum pid_type")]
    case .numbers: [MemberName("numbers", "5.4–, level + 1 of them")]
    }
  }
}

/// What is read of `struct upid` (include/linux/pid.h), an identifier in one namespace.
enum NumberMember: Int, StructureMember {
  case number

  static let structure = "struct upid"

  var names: [MemberName] { [MemberName("nr", "5.4–")] }
}

/// What is read of `struct kthread` (kernel/kthread.c).
enum KernelThreadMember: Int, StructureMember {
  case data, fullName

  static let structure = "struct kthread"

  var names: [MemberName] {
    switch self {
    case .data: [MemberName("data", "5.4–")]
    case .fullName: [MemberName("full_name", "5.17–")]
    }
  }
}

/// What is read of `struct worker` (kernel/workqueue_internal.h).
enum WorkerMember: Int, StructureMember {
  case pool, description, currentWork, rescued

  static let structure = "struct worker"

  var names: [MemberName] {
    switch self {
    case .pool: [MemberName("pool", "5.4–")]
    case .description: [MemberName("desc", "5.4–")]
    case .currentWork: [MemberName("current_work", "5.4–")]
    case .rescued: [MemberName("rescue_wq", "5.4–")]
    }
  }
}

/// What is read of `struct workqueue_struct` (kernel/workqueue.c).
enum WorkQueueMember: Int, StructureMember {
  case name

  static let structure = "struct workqueue_struct"

  var names: [MemberName] { [MemberName("name", "5.4–")] }
}

/// What is read of `struct xa_node` (include/linux/xarray.h).
enum XArrayNodeMember: Int, StructureMember {
  case shift, slots

  static let structure = "struct xa_node"

  var names: [MemberName] {
    switch self {
    case .shift: [MemberName("shift", "5.4–")]
    case .slots: [MemberName("slots", "5.4–")]
    }
  }
}
