import Foundation
import Symbols

/// Asks gdb and `DebugInformation` the same about many addresses.
enum GDBComparison {
  /// For each address a line of four parts, separated by tabs: the address; the line table's answer;
  /// the functions, innermost first, each with where it is; the arguments and locals of each.
  static func gdb(_ path: String, _ addresses: [UInt64]) throws -> [String] {
    let list = addresses.map { String($0) }.joined(separator: ",")
    return try DebugProgram.gdb(
      script: """
        import gdb
        def place(symtab, line): return "%s:%d" % (symtab.filename, line) if symtab else "none"
        def shown(s):
          constants = (gdb.SYMBOL_LOC_CONST, gdb.SYMBOL_LOC_CONST_BYTES)
          return (s.is_variable or s.addr_class in constants) and not s.is_argument
        for a in [\(list)]:
          sal = gdb.find_pc_line(a)
          statements = sal.symtab.linetable().line(sal.line) if sal.symtab and sal.line else None
          start = str(sal.pc == a and any(e.pc == a for e in statements or ()))
          where = place(sal.symtab, sal.line)
          line = where + " " + start
          block = gdb.block_for_pc(a); functions = []; variables = []; inner = []
          while block is not None and not block.is_static and not block.is_global:
            symbols = list(block)
            local = sorted(s.print_name + ":" + str(s.type) for s in symbols if shown(s))
            if local: inner.append(";".join(local))
            if block.function is not None and block.function.print_name:
              functions.append(block.function.print_name + " " + where)
              where = place(block.function.symtab, block.function.line)
              arguments = [s.print_name + ":" + str(s.type) for s in symbols if s.is_argument]
              variables.append(";".join(arguments) + "/" + "/".join(inner)); inner = []
            block = block.superblock
          print("\\t".join([hex(a), line, "|".join(functions), "|".join(variables)]))
        """, path)
  }

  static func ours(_ debug: DebugInformation, _ addresses: [UInt64]) throws -> [String] {
    try addresses.map { address in
      let line = try debug.location(at: address)
      let scopes = try debug.frames(at: address)
      let functions = scopes.map { $0.name + " " + place($0.location) }
      let variables = try scopes.map { try names(debug, $0, address) }
      return [
        "0x" + String(address, radix: 16),
        place(line) + (try debug.isLineStart(address) ? " True" : " False"),
        functions.joined(separator: "|"), variables.joined(separator: "|"),
      ].joined(separator: "\t")
    }
  }

  private static func place(_ location: SourceLocation?) -> String {
    location.map { "\($0.file):\($0.line)" } ?? "none"
  }

  /// Arguments in their order; locals sorted within each block, as gdb has none there.
  private static func names(
    _ debug: DebugInformation, _ scope: FunctionScope, _ address: UInt64
  ) throws -> String {
    let printer = TypePrinter(graph: debug, language: scope.language)
    func text(_ variable: Variable) throws -> String? {
      guard let name = variable.name else { return nil }
      return name + ":" + (try printer.name(of: variable.type))
    }
    let arguments = try debug.variables(in: scope, at: address, arguments: true).compactMap(text)
    let locals = try debug.variables(in: scope, at: address, arguments: false)
    var blocks: [String] = []
    for depth in Set(locals.map(\.blockDepth)).sorted(by: >) {
      let names = try locals.filter { $0.blockDepth == depth }.compactMap(text)
      blocks.append(names.sorted().joined(separator: ";"))
    }
    return arguments.joined(separator: ";") + "/" + blocks.joined(separator: "/")
  }

  /// Every address of the program's functions whose names begin with the given prefixes.
  static func addresses(of symbols: ELFSymbols, _ names: [String]) -> [UInt64] {
    names.flatMap { symbols.symbols(named: $0) }
      .flatMap { $0.address..<$0.address + $0.size }.sorted()
  }
}
