internal import Bytes
internal import Symbols
internal import Targets

/// The way to a kernel by what CPUs run on: their page tables map the kernel's image, in which its
/// symbols are.
struct KernelByCPU {
  let machine: Machine

  func locate() throws(DeadEnd) -> LocatedKernel {
    var seen = Set<PhysicalAddress>()
    var reasons: [String] = []
    for cpu in machine.cpus {
      guard let view = KernelView(machine.memory, cpu) else { continue }
      // Without page table isolation, and with it in the kernel: the tables themselves. With it, in
      // user mode: the page below.
      for tables in view.candidates where seen.insert(tables.root).inserted {
        do throws(DeadEnd) {
          return try locate(tables, cpu: cpu.index)
        } catch {
          reasons.append("CPU \(cpu.index), page tables at \(tables.root): \(error.reason)")
        }
      }
      // All CPUs run one kernel; a few are enough to meet one that isn't busy elsewhere.
      if seen.count > Self.limit { break }
    }
    throw DeadEnd(
      reason: reasons.isEmpty
        ? "there are no registers of a CPU in 64-bit mode" : reasons.joined(separator: ", "))
  }

  private static let limit = 64

  private func locate(_ tables: X86PageTables, cpu: Int) throws(DeadEnd) -> LocatedKernel {
    let memory = machine.memory
    let mapping = KernelImageMapping(tables, in: memory)
    guard !mapping.extents.isEmpty else { throw DeadEnd(reason: "no image of a kernel is mapped") }
    guard let found = KallsymsFinder(memory: memory).find(in: mapping) else {
      throw DeadEnd(reason: "no kallsyms in the mapped image")
    }
    guard let directory = found.symbols.kernelPageTables else {
      throw DeadEnd(reason: "kallsyms knows no init_top_pgt")
    }
    let own = try ownTables(at: directory, by: tables)
    return LocatedKernel(
      tables: own, symbols: found.symbols,
      evidence: [
        "image: mapped by the page tables of CPU \(cpu)", found.evidence,
        "page tables: init_top_pgt at physical address \(own.root), which maps itself",
      ])
  }

  /// The kernel's own tables, which a CPU's tables map at `directory`.
  private func ownTables(
    at directory: VirtualAddress, by tables: X86PageTables
  ) throws(DeadEnd) -> X86PageTables {
    do throws(PageFault) {
      let root = try tables.translate(directory, in: machine.memory).physical
      let own = X86PageTables(root: root, mode: tables.mode, encryptionMask: tables.encryptionMask)
      if try own.translate(directory, in: machine.memory).physical == root { return own }
    } catch {
      throw DeadEnd(reason: "init_top_pgt: \(error)")
    }
    throw DeadEnd(reason: "init_top_pgt doesn't map itself")
  }
}
