public import Bytes
public import LinuxGuest
public import Symbols
import Targets

/// What the names in expressions over a kernel's data mean.
public struct PrintContext: CExpressionContext {
  private let kernel: LinuxKernel
  private let sources: [TypeSource]

  public var memory: any Memory { kernel.memory }

  /// - Parameter sources: where types and variables are looked for: the kernel's image first, then
  ///   modules.
  public init(_ kernel: LinuxKernel, sources: [TypeSource]) {
    self.kernel = kernel
    self.sources = sources
  }

  public func variable(named name: String) throws(SymbolError) -> CVariable? {
    for source in sources {
      guard let symbol = source.symbols.symbol(named: name) else { continue }
      return CVariable(
        address: VirtualAddress(symbol.address), type: try type(of: symbol, source),
        isPerCPU: source.module == nil && isPerCPU(symbol.address))
    }
    return nil
  }

  /// What the symbol is: a function or a variable by BTF, or a variable that is known by its name.
  /// Symbols that lie among code needn't be functions: in Linux 7.2 `init_task` does.
  private func type(
    of symbol: ELFSymbol, _ source: TypeSource
  ) throws(SymbolError) -> TypeReference? {
    if symbol.kind == .function || symbol.kind == .indirectFunction,
      let type = try source.types.function(named: symbol.name)
    {
      return type
    }
    if let type = try source.types.variable(named: symbol.name) { return type }
    return source.module == nil ? try wellKnown(symbol.name) : nil
  }

  private func wellKnown(_ name: String) throws(SymbolError) -> TypeReference? {
    guard let row = PrintVariables.row(named: name), let type = try type(named: row.type) else {
      return nil
    }
    return type.pointer(levels: row.pointers)
  }

  public func type(named name: String) throws(SymbolError) -> TypeReference? {
    var declaration: TypeReference?
    for source in sources {
      guard let found = try source.types.type(named: name) else { continue }
      if case .record(let record) = try found.node(), record.isDeclaration {
        declaration = declaration ?? found
      } else {
        return found
      }
    }
    return declaration
  }

  public func enumerator(
    named name: String
  ) throws(SymbolError) -> (type: TypeReference, value: Int64)? {
    for source in sources {
      if let found = try source.types.enumerator(named: name) { return found }
    }
    return nil
  }

  // MARK: CPUs

  /// A kernel for a single CPU has no offsets, and its variables are where their symbols are.
  private func isPerCPU(_ address: UInt64) -> Bool {
    kernel.symbols.symbol(named: "__per_cpu_offset") != nil && kernel.isPerCPU(address)
  }

  public func perCPUOffset(_ cpu: UInt64) -> UInt64? {
    guard let number = Int(exactly: cpu) else { return nil }
    do throws(StructureError) {
      guard try kernel.cpus(.possible).contains(number) else { return nil }
      return try kernel.perCPUOffset(number)
    } catch {
      // Where it isn't known, the copy can't be found.
      return nil
    }
  }

  // MARK: Printing

  /// The value of `expression` in gdb's words.
  public func report(
    _ expression: String, file: String, options: FormatOptions
  ) throws(CExpressionError) -> PrintReport {
    let value = try CExpression(self).value(of: expression)
    var text = ""
    var number: String?
    let formatter = ValueFormatter(memory: memory, options: options, nameAddress: nameAddress)
    do throws(ValueError) {
      try formatter.write(value, style: .print, to: &text)
      number = try Self.number(value, formatter)
    } catch {
      throw CExpressionError(column: 1, .value(error))
    }
    let type: String
    do throws(SymbolError) {
      type = try TypePrinter(graph: value.graph).name(of: value.type)
    } catch {
      throw CExpressionError(column: 1, .symbols(error))
    }
    var address: String?
    if case .memory(let place) = value.contents { address = place.description }
    return PrintReport(
      file: file, expression: expression, type: type, address: address, number: number,
      value: text)
  }

  /// The bits of what is a single number.
  private static func number(
    _ value: TypedValue, _ formatter: ValueFormatter
  ) throws(ValueError) -> String? {
    let isSigned: Bool
    do throws(SymbolError) {
      switch try TypeReference(value.graph, value.type).stripped().node() {
      case .base(_, let encoding, let size)
      where size <= 8 && encoding != .float && encoding != .complexFloat:
        isSigned = encoding == .signed || encoding == .signedCharacter
      case .enumeration(let enumeration): isSigned = enumeration.isSigned
      case .pointer: isSigned = false
      default: return nil
      }
    } catch {
      throw .symbol(error)
    }
    let bytes = try formatter.fetch(value).bytes
    guard (1...8).contains(bytes.count) else { return nil }
    let bits = bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    let unused = UInt64(64 - 8 * bytes.count)
    guard isSigned else { return hex(bits) }
    return hex(UInt64(bitPattern: Int64(bitPattern: bits << unused) >> Int64(unused)))
  }

  private var nameAddress: ValueFormatter.AddressNaming {
    let sources = sources
    return { address in
      for source in sources {
        // Symbols of a module are worth looking at only for what lies in it.
        if let module = source.module, !module.contains(address) { continue }
        guard let found = source.symbols.symbol(at: address.rawValue) else { continue }
        let module = source.module.map { " [\($0.name)]" } ?? ""
        return (found.symbol.name + module, found.offset)
      }
      return nil
    }
  }
}
