/// What is read of `struct module` (include/linux/module.h), under every name that kernels from 5.4
/// on give it.
enum ModuleMember: Int, StructureMember {
  case list, state, name, taints, referenceCount, users, version, sourceVersion, arguments
  case coreBase, coreSize, coreText, coreReadOnly, coreReadOnlyAfterInit
  case initialBase, initialSize, initialText, initialReadOnly
  case memory, buildID, notes, kallsyms, orcCount, orcAddresses, orcEntries

  static let structure = "struct module"

  var names: [MemberName] {
    switch self {
    case .list: [MemberName("list", "5.4–")]
    case .state: [MemberName("state", "5.4–, enum module_state")]
    case .name: [MemberName("name", "5.4–")]
    case .taints: [MemberName("taints", "5.4–, bits as in kernel/panic.c, taint_flags")]
    case .referenceCount: [MemberName("refcnt.counter", "5.4–, with CONFIG_MODULE_UNLOAD")]
    case .users: [MemberName("source_list", "5.4–, with CONFIG_MODULE_UNLOAD")]
    case .version: [MemberName("version", "5.4–")]
    case .sourceVersion: [MemberName("srcversion", "5.4–")]
    case .arguments: [MemberName("args", "5.4–")]
    case .coreBase: [MemberName("core_layout.base", "5.4–6.3")]
    case .coreSize: [MemberName("core_layout.size", "5.4–6.3")]
    case .coreText: [MemberName("core_layout.text_size", "5.4–6.3")]
    case .coreReadOnly: [MemberName("core_layout.ro_size", "5.4–6.3")]
    case .coreReadOnlyAfterInit: [MemberName("core_layout.ro_after_init_size", "5.4–6.3")]
    case .initialBase: [MemberName("init_layout.base", "5.4–6.3")]
    case .initialSize: [MemberName("init_layout.size", "5.4–6.3")]
    case .initialText: [MemberName("init_layout.text_size", "5.4–6.3")]
    case .initialReadOnly: [MemberName("init_layout.ro_size", "5.4–6.3")]
    case .memory: [MemberName("mem", "6.4–, by enum mod_mem_type")]
    case .buildID: [MemberName("build_id", "5.14–, with CONFIG_STACKTRACE_BUILD_ID")]
    case .notes: [MemberName("notes_attrs", "5.4–, with CONFIG_SYSFS")]
    case .kallsyms: [MemberName("kallsyms", "5.4–, struct mod_kallsyms")]
    case .orcCount: [MemberName("arch.num_orcs", "5.4–, arch/x86/include/asm/module.h")]
    case .orcAddresses: [MemberName("arch.orc_unwind_ip", "5.4–")]
    case .orcEntries: [MemberName("arch.orc_unwind", "5.4–")]
    }
  }
}

/// `struct module_memory`, an element of `mem` (include/linux/module.h, 6.4–).
enum ModuleMemoryMember: Int, StructureMember {
  case base, size

  static let structure = "struct module_memory"

  var names: [MemberName] {
    switch self {
    case .base: [MemberName("base", "6.4–")]
    case .size: [MemberName("size", "6.4–")]
    }
  }
}

/// `struct module_use`: that one module uses another (include/linux/module.h).
enum ModuleUseMember: Int, StructureMember {
  case list, user

  static let structure = "struct module_use"

  var names: [MemberName] {
    switch self {
    case .list: [MemberName("source_list", "5.4–")]
    case .user: [MemberName("source", "5.4–")]
    }
  }
}

/// `struct mod_kallsyms`: a module's symbols (include/linux/module.h).
enum ModuleSymbolsMember: Int, StructureMember {
  case symbols, count, strings, letters

  static let structure = "struct mod_kallsyms"

  var names: [MemberName] {
    switch self {
    case .symbols: [MemberName("symtab", "5.4–, Elf64_Sym")]
    case .count: [MemberName("num_symtab", "5.4–")]
    case .strings: [MemberName("strtab", "5.4–")]
    case .letters: [MemberName("typetab", "5.4–, nm's letters")]
    }
  }
}

/// `struct btf_module`: a module's types (kernel/bpf/btf.c, 5.11–, with
/// CONFIG_DEBUG_INFO_BTF_MODULES).
enum ModuleTypesMember: Int, StructureMember {
  case list, module, types

  static let structure = "struct btf_module"

  var names: [MemberName] {
    switch self {
    case .list: [MemberName("list", "5.11–")]
    case .module: [MemberName("module", "5.11–")]
    case .types: [MemberName("btf", "5.11–")]
    }
  }
}

/// `struct btf`: types as the kernel keeps them (kernel/bpf/btf.c).
enum TypesMember: Int, StructureMember {
  case data, size

  static let structure = "struct btf"

  var names: [MemberName] {
    switch self {
    case .data: [MemberName("data", "5.4–")]
    case .size: [MemberName("data_size", "5.4–")]
    }
  }
}

/// `struct mod_unload_taint`: a module that tainted the kernel and was unloaded
/// (kernel/module/internal.h, 5.19–, with CONFIG_MODULE_UNLOAD_TAINT_TRACKING).
enum UnloadedModuleMember: Int, StructureMember {
  case list, name, taints, count

  static let structure = "struct mod_unload_taint"

  var names: [MemberName] {
    switch self {
    case .list: [MemberName("list", "5.19–")]
    case .name: [MemberName("name", "5.19–")]
    case .taints: [MemberName("taints", "5.19–")]
    case .count: [MemberName("count", "5.19–")]
    }
  }
}
