internal import Bytes
internal import Symbols
internal import Targets

/// A kernel whose page tables are known, and what else was learnt on the way to them.
struct LocatedKernel {
  var tables: X86PageTables
  var info: VMCoreInfo?
  var symbols: Kallsyms?
  var evidence: [String]
  var diagnostics: [String] = []
}

/// Why a way to a kernel came to nothing.
struct DeadEnd: Error {
  let reason: String
}

extension Kallsyms {
  /// The kernel's own page tables: `swapper_pg_dir` is another name of `init_top_pgt`
  /// (arch/x86/include/asm/pgtable_64.h).
  var kernelPageTables: VirtualAddress? {
    address(named: "init_top_pgt") ?? address(named: "swapper_pg_dir")
  }

  /// Where the symbol of that name is; nil if there is none.
  func address(named name: String) -> VirtualAddress? {
    symbol(named: name).map { VirtualAddress($0.address) }
  }
}
