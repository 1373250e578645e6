internal import Bytes

/// What is read of `struct mm_struct` (include/linux/mm_types.h), under every name that kernels from
/// 5.4 on give it.
enum MemoryMember: Int, StructureMember {
  case pageTables, mappingTree, mappingList, mappingCount, totalPages
  case argumentsStart, argumentsEnd, environmentStart, environmentEnd
  case heapStart, heapEnd, stackStart, residentCounts, residentCounters, executable
  case contextFlags, contextIs32Bit

  static let structure = "struct mm_struct"

  var names: [MemberName] {
    switch self {
    case .pageTables: [MemberName("pgd", "5.4–")]
    case .mappingTree: [MemberName("mm_mt.ma_root", "6.1–")]
    case .mappingList: [MemberName("mmap", "5.4–6.0")]
    case .mappingCount: [MemberName("map_count", "5.4–")]
    case .totalPages: [MemberName("total_vm", "5.4–, in pages")]
    case .argumentsStart: [MemberName("arg_start", "5.4–")]
    case .argumentsEnd: [MemberName("arg_end", "5.4–")]
    case .environmentStart: [MemberName("env_start", "5.4–")]
    case .environmentEnd: [MemberName("env_end", "5.4–")]
    case .heapStart: [MemberName("start_brk", "5.4–")]
    case .heapEnd: [MemberName("brk", "5.4–")]
    case .stackStart: [MemberName("start_stack", "5.4–")]
    case .residentCounts: [MemberName("rss_stat.count", "5.4–6.1, struct mm_rss_stat")]
    case .residentCounters: [MemberName("rss_stat", "6.2–, an array of struct percpu_counter")]
    case .executable: [MemberName("exe_file", "5.4–")]
    case .contextFlags: [MemberName("context.flags", "5.11–, arch/x86/include/asm/mmu.h")]
    case .contextIs32Bit:
      [MemberName("context.ia32_compat", "5.4–5.10, arch/x86/include/asm/mmu.h")]
    }
  }
}

/// What is read of `struct vm_area_struct` (include/linux/mm_types.h), one mapping.
enum MappingMember: Int, StructureMember {
  case start, end, next, memory, flags, pageOffset, file, operations, privateData
  case anonymousName, sharedTree

  static let structure = "struct vm_area_struct"

  var names: [MemberName] {
    switch self {
    case .start: [MemberName("vm_start", "5.4–")]
    case .end: [MemberName("vm_end", "5.4–")]
    case .next: [MemberName("vm_next", "5.4–6.0")]
    case .memory: [MemberName("vm_mm", "5.4–")]
    case .flags:
      [
        MemberName("vm_flags", "5.4–"),
        MemberName("__vm_flags", "6.3–, the other half of a union with vm_flags"),
      ]
    case .pageOffset: [MemberName("vm_pgoff", "5.4–")]
    case .file: [MemberName("vm_file", "5.4–")]
    case .operations: [MemberName("vm_ops", "5.4–")]
    case .privateData: [MemberName("vm_private_data", "5.4–")]
    case .anonymousName: [MemberName("anon_name", "5.17–, with CONFIG_ANON_VMA_NAME")]
    case .sharedTree: [MemberName("shared", "5.4–")]
    }
  }
}

/// What is read of `struct vm_special_mapping` (include/linux/mm_types.h).
enum SpecialMappingMember: Int, StructureMember {
  case name

  static let structure = "struct vm_special_mapping"

  var names: [MemberName] { [MemberName("name", "5.4–")] }
}

/// What is read of `struct percpu_counter` (include/linux/percpu_counter.h).
enum CounterMember: Int, StructureMember {
  case count, counters

  static let structure = "struct percpu_counter"

  var names: [MemberName] {
    switch self {
    case .count: [MemberName("count", "5.4–")]
    case .counters: [MemberName("counters", "5.4–, with CONFIG_SMP")]
    }
  }
}

/// What is read of `struct maple_range_64` (include/linux/maple_tree.h), which leaves have as well.
enum MapleRangeMember: Int, StructureMember {
  case parent, pivots, slots

  static let structure = "struct maple_range_64"

  var names: [MemberName] {
    switch self {
    case .parent: [MemberName("parent", "6.1–")]
    case .pivots: [MemberName("pivot", "6.1–")]
    case .slots: [MemberName("slot", "6.1–")]
    }
  }
}

/// What is read of `struct maple_arange_64` (include/linux/maple_tree.h).
enum MapleGapRangeMember: Int, StructureMember {
  case parent, pivots, slots

  static let structure = "struct maple_arange_64"

  var names: [MemberName] {
    switch self {
    case .parent: [MemberName("parent", "6.1–")]
    case .pivots: [MemberName("pivot", "6.1–")]
    case .slots: [MemberName("slot", "6.1–")]
    }
  }
}
