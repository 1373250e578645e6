public import Bytes
public import LinuxGuest
public import Symbols

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
      var type: TypeReference?
      if symbol.kind == .function || symbol.kind == .indirectFunction {
        type = try source.types.function(named: name)
      } else {
        type = try source.types.variable(named: name)
        if type == nil { type = try wellKnown(name) }
      }
      return CVariable(
        address: VirtualAddress(symbol.address), type: type,
        isPerCPU: isPerCPU(symbol.address))
    }
    return nil
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

  /// The linker puts per-CPU variables between these symbols (include/asm-generic/vmlinux.lds.h); on
  /// x86-64 up to 6.14 they are numbers from 0 on. A kernel for a single CPU has no offsets.
  private func isPerCPU(_ address: UInt64) -> Bool {
    guard kernel.symbols.symbol(named: "__per_cpu_offset") != nil,
      let start = kernel.symbols.symbol(named: "__per_cpu_start"),
      let end = kernel.symbols.symbol(named: "__per_cpu_end")
    else { return false }
    return address >= start.address && address < end.address
  }

  public func perCPUOffset(_ cpu: UInt64) -> UInt64? {
    guard cpu < UInt64(kernel.machine.cpus.count) || cpu < cpuLimit else { return nil }
    guard let offsets = kernel.symbols.symbol(named: "__per_cpu_offset") else {
      return cpu == 0 ? 0 : nil
    }
    do throws(MemoryFault) {
      return try kernel.memory.word(at: VirtualAddress(offsets.address) &+ cpu &* 8)
    } catch {
      // Where it isn't known, the copy can't be found.
      return nil
    }
  }

  /// One more than the greatest number that a CPU can have; NR_CPUS is 8192 at most.
  private var cpuLimit: UInt64 {
    guard let count = kernel.symbols.symbol(named: "nr_cpu_ids") else { return 0 }
    do throws(MemoryFault) {
      return min(
        8192, UInt64(try kernel.memory.load(UInt32.self, at: VirtualAddress(count.address))))
    } catch {
      return 0
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
        if let found = source.symbols.symbol(at: address.rawValue) {
          return (found.symbol.name, found.offset)
        }
      }
      return nil
    }
  }
}

/// Where types and symbols come from: the kernel's image, or a module.
public struct TypeSource: Sendable {
  /// `vmlinux`, or the module's name.
  public let name: String
  public let types: any TypeLibrary
  public let symbols: any SymbolTable

  public init(name: String, types: any TypeLibrary, symbols: any SymbolTable) {
    self.name = name
    self.types = types
    self.symbols = symbols
  }

  /// Whether `type` is described here, not in what a module's types continue.
  func describes(_ type: TypeReference) -> Bool {
    guard let types = types as? BTFTypes, let id = type.id else { return true }
    return id.rawValue >= types.firstID
  }

  /// Those of `kernel`'s image.
  public static func image(of kernel: LinuxKernel) -> TypeSource {
    TypeSource(name: "vmlinux", types: kernel.types, symbols: kernel.symbols)
  }
}
