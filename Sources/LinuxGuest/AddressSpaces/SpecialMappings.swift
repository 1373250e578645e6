internal import Bytes
internal import Symbols
internal import Targets

/// What the kernel's variables tell about mappings that are no process's own.
struct SpecialMappings: Sendable {
  /// The operations of mappings whose private data is a `struct vm_special_mapping` with their name:
  /// `[vdso]`, `[vvar]`, `[uprobes]` (mm/mmap.c; mm/vma.c since 6.13).
  let operations: Set<VirtualAddress>
  /// The `struct vm_area_struct` of the page of old system calls, which belongs to no address space
  /// (arch/x86/entry/vsyscall/vsyscall_64.c); nil if processes don't have it.
  let gate: VirtualAddress?

  init(_ kernel: LinuxKernel) {
    operations = Set(
      ["special_mapping_vmops", "legacy_special_mapping_vmops"].compactMap {
        kernel.symbols.symbol(named: $0).map { VirtualAddress($0.address) }
      })
    gate = Self.gate(of: kernel)
  }

  /// `vsyscall_mode`: EMULATE, XONLY, NONE (since 5.3).
  private static let absent: UInt64 = 2

  private static func gate(of kernel: LinuxKernel) -> VirtualAddress? {
    guard let gate = kernel.symbols.symbol(named: "gate_vma") else { return nil }
    do throws(StructureError) {
      let mode = try kernel.variable("vsyscall_mode", "unsigned int").unsigned()
      return mode == absent ? nil : VirtualAddress(gate.address)
    } catch {
      // A kernel that can't switch it off has it.
      return VirtualAddress(gate.address)
    }
  }
}
