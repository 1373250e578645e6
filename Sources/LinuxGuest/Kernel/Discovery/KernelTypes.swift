internal import Bytes
internal import Symbols
internal import Targets

/// Finds the types that a kernel's image describes: its BTF, which the linker puts between
/// `__start_BTF` and `__stop_BTF` (include/asm-generic/vmlinux.lds.h).
struct KernelTypes {
  let symbols: any SymbolTable
  let memory: VirtualMemory
  let place: KernelPlace

  struct Found {
    var library: any TypeLibrary = NoTypes()
    var evidence: [String] = []
    var diagnostics: [String] = []
  }

  func find() -> Found {
    Found()
  }
}

/// The types of a kernel that describes none.
struct NoTypes: TypeLibrary {
  func type(named name: String) throws(SymbolError) -> TypeReference? { nil }
}
