public import Bytes
internal import Symbols
internal import Targets

/// A symbol of a kernel or of one of its modules.
public struct KernelSymbol: Hashable, Sendable {
  public let name: String
  /// Its address; of a per-CPU variable, what has to be added to a CPU's offset.
  public let value: UInt64
  /// As far as the next symbol; 0 if unknown.
  public let size: UInt64
  /// nm's letter.
  public let letter: Character
  /// Nil is the kernel's own image.
  public let module: String?
  public let isPerCPU: Bool
}

/// What an address belongs to.
public struct KernelSymbolPlace: Hashable, Sendable {
  public let symbol: KernelSymbol
  /// How far the address is beyond the symbol's.
  public let offset: UInt64
  /// Whose copy of a per-CPU variable it is; nil for everything else.
  public let cpu: Int?
}

extension LinuxKernel {
  /// All symbols of that name: the image's in ascending order of their values, then modules'.
  public func symbols(named name: String) -> [KernelSymbol] {
    var found = (symbols as? Kallsyms)?.entries(named: name).map { symbol($0.entry, $0.size) } ?? []
    for module in modulesIfReadable {
      found += module.symbols.entries(named: name).map {
        symbol($0.entry, $0.size, module: module.name)
      }
    }
    return found
  }

  /// The symbol that `address` belongs to: in the image, in a module, or in a CPU's copy of the
  /// per-CPU variables; nil if there is none.
  public func symbolPlace(at address: VirtualAddress) -> KernelSymbolPlace? {
    guard let image = symbols as? Kallsyms else { return nil }
    if let (entry, size) = image.entry(at: address.rawValue) {
      return KernelSymbolPlace(
        symbol: symbol(entry, size), offset: address.rawValue - entry.value, cpu: nil)
    }
    for module in modulesIfReadable where module.contains(address) {
      guard let (entry, _, size) = module.symbols.entry(at: address.rawValue) else { return nil }
      return KernelSymbolPlace(
        symbol: symbol(entry, size, module: module.name),
        offset: address.rawValue - entry.value, cpu: nil)
    }
    return perCPUPlace(at: address, image)
  }

  private func symbol(
    _ entry: Kallsyms.Entry, _ size: UInt64, module: String? = nil
  ) -> KernelSymbol {
    KernelSymbol(
      name: entry.name, value: entry.value, size: size, letter: entry.letter, module: module,
      isPerCPU: module == nil && isPerCPU(entry.value))
  }

  private func perCPUPlace(
    at address: VirtualAddress, _ image: Kallsyms
  ) -> KernelSymbolPlace? {
    do throws(StructureError) {
      for cpu in try cpus(.possible) {
        let value = address.rawValue &- (try perCPUOffset(cpu))
        guard isPerCPU(value), let (entry, size) = image.lastEntry(notAbove: value) else {
          continue
        }
        return KernelSymbolPlace(
          symbol: symbol(entry, size), offset: value - entry.value, cpu: cpu)
      }
    } catch {
      // Without the offsets nothing tells whose area an address lies in.
      return nil
    }
    return nil
  }

  /// None if there is no telling: symbols of the image are found all the same.
  private var modulesIfReadable: [KernelModule] {
    do throws(StructureError) {
      return try modules().loaded
    } catch {
      return []
    }
  }
}
