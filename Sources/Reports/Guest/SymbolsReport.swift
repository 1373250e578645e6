public import Bytes
public import LinuxGuest

/// What `varve sym` prints: symbols of a guest's kernel by name or address.
public struct SymbolsReport: Codable, Hashable, Sendable {
  public var schema = "varve.symbols/1"
  public var file: String
  public var release: String
  public var lookups: [SymbolLookupReport]
  public var warnings: [String]

  public init(
    file: String, release: String, lookups: [SymbolLookupReport], warnings: [String]
  ) {
    self.file = file
    self.release = release
    self.lookups = lookups
    self.warnings = warnings
  }
}

/// What one name or address led to.
public struct SymbolLookupReport: Codable, Hashable, Sendable {
  /// As it was given.
  public var query: String
  public var matches: [SymbolMatchReport]

  public init(query: String, matches: [SymbolMatchReport]) {
    self.query = query
    self.matches = matches
  }
}

/// One symbol; what isn't known isn't there.
public struct SymbolMatchReport: Codable, Hashable, Sendable {
  /// One CPU's copy of a per-CPU variable.
  public struct Copy: Codable, Hashable, Sendable {
    public var cpu: Int
    public var address: String
  }

  public var name: String
  /// Where it is; of a per-CPU variable only if a CPU is meant.
  public var address: String?
  /// How far the address that was asked for is beyond the symbol's.
  public var offset: UInt64
  public var size: UInt64
  /// nm's.
  public var letter: String
  public var module: String?
  /// Whose copy of a per-CPU variable it is.
  public var cpu: Int?
  /// Of a per-CPU variable, what has to be added to a CPU's offset.
  public var perCPUOffset: String?
  public var copies: [Copy]?
  /// By debug information.
  public var sourceFile: String?
  public var sourceLine: Int?

  /// `copies` are those of a per-CPU variable, by CPU.
  public init(
    _ symbol: KernelSymbol, offset: UInt64 = 0, cpu: Int? = nil, at address: VirtualAddress? = nil,
    copies: [(cpu: Int, address: VirtualAddress)]? = nil,
    source: (file: String, line: Int)? = nil
  ) {
    name = symbol.name
    self.address = address?.description
    self.offset = offset
    size = symbol.size
    letter = String(symbol.letter)
    module = symbol.module
    self.cpu = cpu
    perCPUOffset = symbol.isPerCPU ? hex(symbol.value) : nil
    self.copies = copies?.map { Copy(cpu: $0.cpu, address: $0.address.description) }
    sourceFile = source?.file
    sourceLine = source?.line
  }
}

extension SymbolsReport {
  /// `0xffffffff8110a2c0 (T) schedule+0x10/0xb0 [module] at file:line`, one line for each symbol and
  /// one for each CPU's copy of it.
  public func text(_ style: TextStyle) -> String {
    lookups.flatMap { lookup in
      lookup.matches.isEmpty
        ? [style.paint("\(lookup.query): no symbol", .faint)]
        : lookup.matches.flatMap { Self.lines($0, style) }
    }.joined(separator: "\n")
  }

  private static func lines(_ match: SymbolMatchReport, _ style: TextStyle) -> [String] {
    var line =
      style.paint(match.address ?? "per CPU", .address)
      + " (\(TextStyle.visible(match.letter))) " + style.paint(match.name, .function)
    line += "+\(hex(match.offset))/\(hex(match.size))"
    if let module = match.module { line += " [" + style.paint(module, .file) + "]" }
    if let cpu = match.cpu { line += " of CPU \(cpu)" }
    if let file = match.sourceFile, let number = match.sourceLine {
      line += " at " + style.paint("\(file):\(number)", .file)
    }
    let copies = (match.copies ?? []).map {
      "  CPU \($0.cpu): " + style.paint($0.address, .address)
    }
    return [line] + copies
  }
}
