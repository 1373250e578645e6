public import Bytes

/// Prints values as gdb 13 does with its default settings.
public struct ValueFormatter: Sendable {
  /// What pointers and references point into.
  public let memory: any Memory
  /// Decides how type names look.
  public let language: SourceLanguage
  public var options: FormatOptions
  /// Names the function or object that a pointer leads to.
  public var nameAddress: AddressNaming
  /// Finds a class's static member.
  public var findStaticMember: StaticMemberLookup

  /// The symbol that covers an address and the distance from its start; nil if there is none.
  /// gdb prints data pointers so too, as `0x4010 <table+16>`. It passes over symbols of size 0 that
  /// aren't functions.
  public typealias AddressNaming = @Sendable (VirtualAddress) -> (name: String, offset: UInt64)?

  /// The static member of that name in the record `type` of `graph`; nil if there is none to be
  /// found, which is printed as optimized out.
  public typealias StaticMemberLookup =
    @Sendable (_ graph: any TypeGraph, _ type: TypeID, _ name: String) -> TypedValue?

  public init(
    memory: any Memory, language: SourceLanguage = .c, options: FormatOptions = FormatOptions(),
    nameAddress: @escaping AddressNaming = { _ in nil },
    findStaticMember: @escaping StaticMemberLookup = { _, _, _ in nil }
  ) {
    self.memory = memory
    self.language = language
    self.options = options
    self.nameAddress = nameAddress
    self.findStaticMember = findStaticMember
  }

  /// How much is said about a value.
  public enum Style: Hashable, Sendable {
    /// As `print` says it: pointers come with their types, `(struct foo *) 0x4010`.
    case print
    /// As `info locals` and `backtrace full` say it.
    case local
    /// As a frame line says it, with `...` for what `options.frameArguments` leaves out.
    case argument
  }

  /// Appends `value`'s text to `text`. What was printed before an error stays there, as in gdb's
  /// output: `r = @0x10: <error reading variable r (Cannot access memory at address 0x10)>`.
  public func write(
    _ value: TypedValue, style: Style = .local, to text: inout String
  ) throws(ValueError) {
    var printer = ValuePrinter(formatter: self, graph: value.graph)
    defer { text += printer.text }
    try printer.printWhole(value, style: style)
  }

  /// `value`'s text; an error's message takes the place of what can't be printed.
  public func text(of value: TypedValue, style: Style = .local) -> String {
    var text = ""
    do throws(ValueError) {
      try write(value, style: style, to: &text)
    } catch {
      text += "<error: \(error)>"
    }
    return text
  }

  /// The value's bits, read from memory if that's where they are.
  ///
  /// - Throws: `.memory`; `.tooLarge` past `options.maximumValueSize`; `.symbol`.
  public func fetch(_ value: TypedValue) throws(ValueError) -> AssembledBits {
    let size: UInt64
    do throws(SymbolError) {
      size = try TypeReference(value.graph, value.type).size() ?? 0
    } catch {
      throw .symbol(error)
    }
    switch value.contents {
    case .assembled(let bits): return bits
    case .memory(let address):
      return AssembledBits(try read(address, count: size))
    case .syntheticReference:
      try checkSize(size)
      var bits = AssembledBits()
      bits.appendMissing(Int(size), .syntheticPointer)
      return bits
    case .missing(let reason):
      try checkSize(size)
      var bits = AssembledBits()
      bits.appendMissing(Int(size), reason)
      return bits
    }
  }

  private func checkSize(_ size: UInt64) throws(ValueError) {
    guard size <= options.maximumValueSize, size <= UInt64(Int32.max) else {
      throw .tooLarge(bytes: size, limit: options.maximumValueSize)
    }
  }

  private func read(_ address: VirtualAddress, count: UInt64) throws(ValueError) -> [UInt8] {
    guard count > 0 else { return [] }
    try checkSize(count)
    do throws(MemoryFault) {
      return try memory.read(address, count: count).copy()
    } catch {
      throw .memory(error)
    }
  }
}
