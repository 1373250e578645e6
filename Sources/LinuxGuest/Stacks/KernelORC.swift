import Bytes
import Symbols
import Targets
import Unwinding

/// Where a kernel keeps its ORC tables, and how they are to be read.
struct KernelORC {
  let kernel: LinuxKernel
  /// By `struct orc_entry` in the kernel's types; nil if they don't tell.
  let layout: ORCLayout?

  init(_ kernel: LinuxKernel) {
    self.kernel = kernel
    layout = Self.layout(kernel)
  }

  /// No kernel has nearly as many entries.
  static let countLimit: UInt64 = 1 << 24

  /// The fields that set the layouts apart. Types that can't be read leave the entries to speak for
  /// themselves.
  private static func layout(_ kernel: LinuxKernel) -> ORCLayout? {
    do throws(StructureError) {
      let entry = try kernel.object("struct orc_entry", at: VirtualAddress(0))
      let type: MemberReference
      do throws(SymbolError) {
        type = try entry.type.member(named: "type")
      } catch {
        return nil
      }
      return ORCLayout(
        typeBits: type.bitSize ?? 0, hasSignal: try entry.hasMember("signal"),
        hasEnd: try entry.hasMember("end"))
    } catch {
      return nil
    }
  }

  /// The image's table: from `__start_orc_unwind_ip` and `__start_orc_unwind` to their `__stop`s
  /// (include/asm-generic/vmlinux.lds.h, `ORC_UNWIND_TABLE`).
  func imageTable() -> ModuleContents.Part<any UnwindTable> {
    guard let addresses = range("orc_unwind_ip"), let entries = range("orc_unwind") else {
      return ModuleContents.Part(
        value: nil, diagnostics: ["vmlinux: the kernel was built without ORC tables"])
    }
    let count = (addresses.upperBound.rawValue - addresses.lowerBound.rawValue) / 4
    let matching = (entries.upperBound.rawValue - entries.lowerBound.rawValue) / ORCEntry.size
    guard count == matching else {
      return ModuleContents.Part(
        value: nil,
        diagnostics: ["vmlinux: its ORC tables have \(count) addresses and \(matching) entries"])
    }
    return table(
      of: "vmlinux",
      at: .init(
        addresses: addresses.lowerBound, entries: entries.lowerBound, count: count),
      code: kernel.place.image, bias: kernel.place.kernelOffset)
  }

  private func range(_ name: String) -> Range<VirtualAddress>? {
    guard let start = kernel.symbols.symbol(named: "__start_\(name)")?.address,
      let stop = kernel.symbols.symbol(named: "__stop_\(name)")?.address, start <= stop
    else { return nil }
    return VirtualAddress(start)..<VirtualAddress(stop)
  }

  /// The table at `place`, of the code in `code`.
  func table(
    of name: String, at place: ORCTable<VirtualMemory>.Place, code: Range<VirtualAddress>,
    bias: UInt64
  ) -> ModuleContents.Part<any UnwindTable> {
    guard place.count > 0, place.count <= Self.countLimit else {
      return ModuleContents.Part(
        value: nil, diagnostics: ["\(name): it claims \(place.count) ORC entries"])
    }
    guard let layout = layout ?? place.guessedLayout(in: kernel.memory) else {
      return ModuleContents.Part(value: nil, diagnostics: ["\(name): its ORC table is missing"])
    }
    return ModuleContents.Part(
      value: ORCTable(place, layout: layout, in: kernel.memory, code: code, bias: bias))
  }
}
