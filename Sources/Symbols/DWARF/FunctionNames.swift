import CElfutils

/// A function's names in the forms that are shown.
struct FunctionNames {
  let full: String
  let withoutParameters: String
  let linkage: String?
}

extension Session {
  /// The names of the function that `entry`, an out-of-line or inlined instance, belongs to.
  ///
  /// gdb shows the linkage name where the language keeps names as they are (C, assembler), the
  /// demangled linkage name in C++, and puts a name together itself where there is no linkage name.
  func functionNames(of entry: Entry, in unit: Unit) throws(SymbolError) -> FunctionNames {
    let linkage = try entry.string(
      anyOf: [DW_AT_linkage_name, DW_AT_MIPS_linkage_name], integrated: true)
    let plain = try entry.string(DW_AT_name, integrated: true)
    switch unit.language {
    case .cPlusPlus:
      if let linkage, let full = Demangler.cPlusPlus(linkage) {
        return FunctionNames(
          full: full, withoutParameters: full.withoutParameterList, linkage: linkage)
      }
      if let linkage {
        return FunctionNames(full: linkage, withoutParameters: linkage, linkage: linkage)
      }
      let base = try qualifiedName(of: entry, plain: plain ?? "")
      let parameters = try parameterList(of: entry)
      return FunctionNames(full: base + parameters, withoutParameters: base, linkage: nil)
    case .rust:
      let qualified = try qualifiedName(of: entry, plain: plain ?? linkage ?? "")
      return FunctionNames(full: qualified, withoutParameters: qualified, linkage: linkage)
    case .swift:
      let name = linkage.flatMap { Demangler.demangle($0) } ?? plain ?? linkage ?? ""
      return FunctionNames(full: name, withoutParameters: name, linkage: linkage)
    case .c, .assembler, .other:
      let name = linkage ?? plain ?? ""
      return FunctionNames(full: name, withoutParameters: name, linkage: linkage)
    }
  }

  /// `(int, char**)`, and ` const` if `this` is. gdb gives inlined functions none.
  private func parameterList(of entry: Entry) throws(SymbolError) -> String {
    guard entry.tag == DW_TAG_subprogram else { return "" }
    var types: [String] = []
    var suffix = ""
    let printer = TypePrinter(language: .cPlusPlus, qualifiersFollow: true) {
      id throws(SymbolError) in try self.node(id)
    }
    try entry.forEachChild { child throws(SymbolError) in
      if child.tag == DW_TAG_unspecified_parameters { types.append("...") }
      guard child.tag == DW_TAG_formal_parameter else { return true }
      let type = try type(of: child, integrated: true)
      if child.flag(DW_AT_artificial, integrated: true) {
        if try pointsToConstant(type) { suffix = " const" }
      } else {
        types.append(try printer.name(of: type))
      }
      return true
    }
    return "(" + types.joined(separator: ", ") + ")" + suffix
  }

  private func pointsToConstant(_ type: TypeID?) throws(SymbolError) -> Bool {
    guard let type, case .pointer(var target?, _) = try pointee(type) else { return false }
    // `const volatile` comes in either order.
    for _ in 0..<4 {
      guard case .qualified(let qualifier, let next?) = try node(target) else { return false }
      if qualifier == .const { return true }
      target = next
    }
    return false
  }

  /// The node of a type, or of what it's a constant form of: `this` is `T *const`.
  private func pointee(_ type: TypeID) throws(SymbolError) -> TypeNode {
    if case .qualified(_, let target?) = try node(type) { return try node(target) }
    return try node(type)
  }
}

extension String {
  /// A demangled function name without its last parameter list and what follows it, as gdb prints
  /// functions in backtraces.
  var withoutParameterList: String {
    let characters = Array(utf8)
    guard let close = characters.lastIndex(of: UInt8(ascii: ")")) else { return self }
    // Only qualifiers follow a parameter list; anything else is part of the name.
    let rest = String(decoding: characters[(close + 1)...], as: UTF8.self)
    let words = rest.split(separator: " ")
    guard words.allSatisfy({ ["const", "volatile", "&", "&&", "noexcept"].contains($0) }) else {
      return self
    }
    var depth = 0
    for index in stride(from: close, through: 0, by: -1) {
      if characters[index] == UInt8(ascii: ")") { depth += 1 }
      if characters[index] == UInt8(ascii: "(") { depth -= 1 }
      if depth == 0 {
        let name = String(decoding: characters[..<index], as: UTF8.self)
        // `(anonymous namespace)` and `operator()` are names.
        return name.isEmpty || name.hasSuffix("::") || name.hasSuffix("operator") ? self : name
      }
    }
    return self
  }
}
