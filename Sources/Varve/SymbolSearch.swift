/// What a person asks symbols for.
public struct SymbolQuery: Hashable, Sendable {
  public enum Subject: Hashable, Sendable {
    case address(VirtualAddress)
    case name(String)
  }

  public let subject: Subject
  /// How far beyond it: 16 in `schedule+0x10`.
  public let offset: UInt64

  /// `0xffffffff8110a2c0`, `ffffffff8110a2c0` (8 digits or more), `schedule`, `schedule+0x10`,
  /// `schedule+16`; anything else is a name.
  public init(_ text: String) {
    if let address = Self.number(text) ?? Self.bareAddress(text) {
      subject = .address(VirtualAddress(address))
      offset = 0
      return
    }
    let parts = text.split(separator: "+", maxSplits: 1)
    if parts.count == 2, let distance = Self.number(parts[1]) ?? UInt64(parts[1]) {
      subject = .name(String(parts[0]))
      offset = distance
    } else {
      subject = .name(text)
      offset = 0
    }
  }

  private static func number(_ text: some StringProtocol) -> UInt64? {
    guard text.hasPrefix("0x") || text.hasPrefix("0X") else { return nil }
    return digits(text.dropFirst(2))
  }

  private static func bareAddress(_ text: String) -> UInt64? {
    text.count >= 8 ? digits(text) : nil
  }

  private static func digits(_ text: some StringProtocol) -> UInt64? {
    text.utf8.allSatisfy { $0 != 0x2b && $0 != 0x2d } ? UInt64(text, radix: 16) : nil
  }
}

/// Looks names and addresses up in a kernel.
struct SymbolSearch {
  let kernel: LinuxKernel

  func matches(for query: SymbolQuery) -> [SymbolMatchReport] {
    switch query.subject {
    case .address(let address):
      guard let place = kernel.symbolPlace(at: address) else { return [] }
      return [
        SymbolMatchReport(place.symbol, offset: place.offset, cpu: place.cpu, at: address)
      ]
    case .name(let name):
      return kernel.symbols(named: name).map { symbol in
        guard symbol.isPerCPU else {
          return SymbolMatchReport(
            symbol, offset: query.offset, at: VirtualAddress(symbol.value) &+ query.offset)
        }
        return SymbolMatchReport(
          symbol, offset: query.offset, copies: copies(of: symbol, offset: query.offset))
      }
    }
  }

  /// Where each possible CPU has its own; none if the kernel's offsets can't be read.
  private func copies(
    of symbol: KernelSymbol, offset: UInt64
  ) -> [(cpu: Int, address: VirtualAddress)] {
    do throws(StructureError) {
      var copies: [(cpu: Int, address: VirtualAddress)] = []
      for cpu in try kernel.cpus(.possible) {
        let place = VirtualAddress(symbol.value) &+ (try kernel.perCPUOffset(cpu))
        copies.append((cpu, place &+ offset))
      }
      return copies
    } catch {
      return []
    }
  }
}
