/// Prints a frame's arguments and local variables as gdb's `backtrace` and `backtrace full` do.
public struct FrameText: Sendable {
  public let formatter: ValueFormatter
  public let reader: VariableReader

  public init(formatter: ValueFormatter, reader: VariableReader) {
    self.formatter = formatter
    var reader = reader
    reader.maximumValueSize = formatter.options.maximumValueSize
    self.reader = reader
  }

  /// A parameter as it is where the frame is, and where it was when the function was entered.
  public struct Parameter: Sendable {
    public let variable: Variable
    public let entryLocation: VariableLocation

    public init(_ variable: Variable, entryLocation: VariableLocation) {
      self.variable = variable
      self.entryLocation = entryLocation
    }

    /// Brings together the parameters as looked up at the frame's own address and at the address
    /// where the function begins: for an inlined one, as gdb has it, the function around it.
    public static func matching(_ here: [Variable], atEntry: [Variable]) -> [Parameter] {
      let locations = Dictionary(atEntry.map { ($0.id, $0.location) }) { first, _ in first }
      return here.map { Parameter($0, entryLocation: locations[$0.id] ?? .absentAtAddress) }
    }
  }

  /// What stands between the parentheses of a frame line: `x=x@entry=5, s=...`.
  public func arguments(_ parameters: [Parameter]) -> String {
    let named = parameters.filter { $0.variable.name != nil }
    if formatter.options.frameArguments == .presence { return named.isEmpty ? "" : "..." }
    return named.map(argument).joined(separator: ", ")
  }

  /// The lines of `backtrace full`, each with its line feed: `        name = value`, or
  /// `No locals.`. `variables` come innermost block first.
  public func locals(_ variables: [Variable]) -> String {
    let ordered = LocalsOrder.sorted(variables, language: formatter.language)
    guard !ordered.isEmpty else { return "No locals.\n" }
    return ordered.map { local($0, name: $0.name ?? "") }.joined()
  }

  private func local(_ variable: Variable, name: String) -> String {
    var text = "        \(name) = "
    do throws(ValueError) {
      try formatter.write(try reader.value(of: variable), style: .local, to: &text)
    } catch {
      text += "<error reading variable \(name) (\(error))>"
    }
    return text + "\n"
  }

  // MARK: Arguments

  private func argument(_ parameter: Parameter) -> String {
    let name = parameter.variable.name ?? ""
    if formatter.options.frameArguments == .none { return name + "=..." }

    let actual = outcome { () throws(ValueError) in try reader.value(of: parameter.variable) }
    guard formatter.options.entryValues == .default else { return "\(name)=" + text(actual) }
    let entry = outcome { () throws(ValueError) in
      try reader.entryValue(
        of: parameter.variable, entryLocation: parameter.entryLocation)
    }
    switch entry {
    case .success(nil): return "\(name)=" + text(actual)
    case .success(let entry?):
      if isEqual(actual, entry) { return "\(name)=\(name)@entry=" + text(actual) }
      return "\(name)=" + text(actual) + ", \(name)@entry=" + text(entry)
    case .failure(let error):
      let problem = "<error reading variable: \(error)>"
      let actualText = text(actual)
      // An error that both share is reported once.
      if actualText == problem { return "\(name)=" + actualText }
      return "\(name)=" + actualText + ", \(name)@entry=" + problem
    }
  }

  private func outcome<Success>(
    _ body: () throws(ValueError) -> Success
  ) -> Result<Success, ValueError> {
    do throws(ValueError) { return .success(try body()) } catch { return .failure(error) }
  }

  private func text(_ value: Result<TypedValue, ValueError>) -> String {
    var text = ""
    do throws(ValueError) {
      try formatter.write(try value.get(), style: .argument, to: &text)
    } catch {
      text += "<error reading variable: \(error)>"
    }
    return text
  }

  private func text(_ entry: EntryValue) -> String {
    guard let referenced = entry.referenced else { return text(.success(entry.value)) }
    let target = text(.success(referenced))
    if target == "..." { return target }
    guard case .assembled(let bits) = entry.value.contents,
      let address = ValueSlice(bits).unsigned(64)
    else { return target }
    return "@0x" + String(address, radix: 16) + ": " + target
  }

  /// Whether the parameter still has the value that it had on entry; and if it is a reference,
  /// whether the same holds of what it refers to.
  private func isEqual(_ actual: Result<TypedValue, ValueError>, _ entry: EntryValue) -> Bool {
    guard case .success(let actual) = actual else { return false }
    guard let now = known(actual), let then = known(entry.value), now == then else { return false }
    guard let referenced = entry.referenced else { return true }
    let address = now.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    let target = TypedValue(
      graph: referenced.graph, type: referenced.type, contents: .memory(.init(address)))
    guard let targetNow = known(target), let targetThen = known(referenced) else { return false }
    return targetNow == targetThen
  }

  /// The value's bytes if all of them are known.
  private func known(_ value: TypedValue) -> [UInt8]? {
    do throws(ValueError) {
      let bits = try formatter.fetch(value)
      return bits.gaps.isEmpty ? bits.bytes : nil
    } catch {
      // It can't be read, so it can't be compared: printing it will say why.
      return nil
    }
  }
}
