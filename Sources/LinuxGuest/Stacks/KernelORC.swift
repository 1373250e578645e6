import Bytes
import Symbols
import Targets
import Unwinding

/// Where a kernel keeps its ORC tables, and how they are to be read.
struct KernelORC {
  let kernel: LinuxKernel
  /// Where the image's table is, if it may be one.
  private let image: Result<ORCTable<VirtualMemory>.Place, Unusable>
  /// The layout of all tables of this kernel; nil if nothing tells.
  let layout: ORCLayout?

  /// Why there is no table.
  private struct Unusable: Error {
    let reason: String
  }

  init(_ kernel: LinuxKernel) {
    self.kernel = kernel
    let image = Self.imagePlace(kernel)
    self.image = image
    let told = Self.layout(kernel)
    let place: ORCTable<VirtualMemory>.Place? =
      if case .success(let place) = image { place } else { nil }
    switch told {
    case .endBit, .signalAndEndBits, .renumbered: layout = told
    case .endType:
      // The types are the same whichever numbers registers have. A few thousand entries tell.
      let shown = place?.guessedLayout(in: kernel.memory, limit: 1 << 13)
      layout = shown == .renumbered ? .renumbered : told
    case nil: layout = place?.guessedLayout(in: kernel.memory)
    }
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
  private static func imagePlace(
    _ kernel: LinuxKernel
  ) -> Result<ORCTable<VirtualMemory>.Place, Unusable> {
    guard let addresses = range("orc_unwind_ip", kernel), let entries = range("orc_unwind", kernel)
    else { return .failure(Unusable(reason: "the kernel was built without ORC tables")) }
    let count = (addresses.upperBound.rawValue - addresses.lowerBound.rawValue) / 4
    let matching = (entries.upperBound.rawValue - entries.lowerBound.rawValue) / ORCEntry.size
    guard count == matching, count <= countLimit else {
      return .failure(
        Unusable(reason: "its ORC tables have \(count) addresses and \(matching) entries"))
    }
    return .success(
      .init(addresses: addresses.lowerBound, entries: entries.lowerBound, count: count))
  }

  /// The image's table.
  func imageTable() -> ModuleContents.Part<any UnwindTable> {
    switch image {
    case .success(let place):
      table(of: "vmlinux", at: place, code: kernel.place.image, bias: kernel.place.kernelOffset)
    case .failure(let error):
      ModuleContents.Part(value: nil, diagnostics: ["vmlinux: \(error.reason)"])
    }
  }

  private static func range(_ name: String, _ kernel: LinuxKernel) -> Range<VirtualAddress>? {
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
    guard let layout else {
      return ModuleContents.Part(
        value: nil, diagnostics: ["\(name): nothing tells the layout of its ORC table"])
    }
    return ModuleContents.Part(
      value: ORCTable(place, layout: layout, in: kernel.memory, code: code, bias: bias))
  }
}
