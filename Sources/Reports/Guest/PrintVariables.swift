/// The types of the kernel's best-known variables. BTF mostly tells those of per-CPU variables only,
/// and not even these in every kernel: Debian's 5.10 has none.
enum PrintVariables {
  struct Row {
    let name: String
    /// As C spells it.
    let type: String
    /// How many pointers lead to it: 1 for `struct kimage *`.
    var pointers = 0
    /// Where the kernel defines it.
    let source: String
  }

  static func row(named name: String) -> Row? { rows.first { $0.name == name } }

  static let rows: [Row] = [
    Row(name: "init_task", type: "struct task_struct", source: "init/init_task.c"),
    Row(name: "init_mm", type: "struct mm_struct", source: "mm/init-mm.c"),
    Row(name: "init_cred", type: "struct cred", source: "kernel/cred.c"),
    Row(name: "init_nsproxy", type: "struct nsproxy", source: "kernel/nsproxy.c"),
    Row(name: "init_pid_ns", type: "struct pid_namespace", source: "kernel/pid.c"),
    Row(name: "init_user_ns", type: "struct user_namespace", source: "kernel/user.c"),
    Row(name: "init_uts_ns", type: "struct uts_namespace", source: "init/version.c"),
    Row(name: "init_net", type: "struct net", source: "net/core/net_namespace.c"),
    Row(name: "net_namespace_list", type: "struct list_head", source: "net/core/net_namespace.c"),
    Row(name: "root_task_group", type: "struct task_group", source: "kernel/sched/core.c"),
    Row(name: "modules", type: "struct list_head", source: "kernel/module/main.c"),
    Row(name: "slab_caches", type: "struct list_head", source: "mm/slab_common.c"),
    Row(name: "super_blocks", type: "struct list_head", source: "fs/super.c"),
    Row(name: "vmap_area_list", type: "struct list_head", source: "mm/vmalloc.c, to 6.8"),
    Row(name: "jiffies", type: "unsigned long", source: "kernel/time/timer.c"),
    Row(name: "jiffies_64", type: "u64", source: "kernel/time/timer.c"),
    Row(name: "nr_threads", type: "int", source: "kernel/fork.c"),
    Row(name: "total_forks", type: "unsigned long", source: "kernel/fork.c"),
    Row(name: "nr_cpu_ids", type: "unsigned int", source: "kernel/smp.c"),
    Row(name: "tainted_mask", type: "unsigned long", source: "kernel/panic.c"),
    Row(name: "panic_timeout", type: "int", source: "kernel/panic.c"),
    Row(name: "panic_on_oops", type: "int", source: "kernel/panic.c"),
    Row(name: "panic_cpu", type: "atomic_t", source: "kernel/panic.c"),
    Row(name: "system_state", type: "enum system_states", source: "init/main.c"),
    Row(name: "saved_command_line", type: "char", pointers: 1, source: "init/main.c"),
    Row(name: "log_buf", type: "char", pointers: 1, source: "kernel/printk/printk.c"),
    Row(
      name: "prb", type: "struct printk_ringbuffer", pointers: 1, source: "kernel/printk/printk.c"),
    Row(
      name: "kexec_crash_image", type: "struct kimage", pointers: 1, source: "kernel/kexec_core.c"),
    Row(name: "mem_section", type: "struct mem_section", pointers: 2, source: "mm/sparse.c"),
    Row(name: "max_pfn", type: "unsigned long", source: "mm/memblock.c"),
    Row(name: "phys_base", type: "unsigned long", source: "arch/x86/kernel/head_64.S"),
    Row(name: "page_offset_base", type: "unsigned long", source: "arch/x86/kernel/head64.c"),
    Row(name: "vmalloc_base", type: "unsigned long", source: "arch/x86/kernel/head64.c"),
    Row(name: "vmemmap_base", type: "unsigned long", source: "arch/x86/kernel/head64.c"),
    // Per CPU.
    Row(name: "runqueues", type: "struct rq", source: "kernel/sched/core.c"),
    Row(
      name: "current_task", type: "struct task_struct", pointers: 1,
      source: "arch/x86/kernel/cpu/common.c"),
    Row(
      name: "pcpu_hot", type: "struct pcpu_hot", source: "arch/x86/kernel/cpu/common.c, 6.2–6.14"),
    Row(name: "cpu_info", type: "struct cpuinfo_x86", source: "arch/x86/kernel/smpboot.c"),
    Row(name: "hrtimer_bases", type: "struct hrtimer_cpu_base", source: "kernel/time/hrtimer.c"),
    Row(name: "kernel_cpustat", type: "struct kernel_cpustat", source: "kernel/sched/core.c"),
    Row(name: "vm_event_states", type: "struct vm_event_state", source: "mm/vmstat.c"),
    Row(name: "cgrp_dfl_root", type: "struct cgroup_root", source: "kernel/cgroup/cgroup.c"),
  ]
}
