/// What `varve print` prints: an expression's value.
public struct PrintReport: Codable, Hashable, Sendable {
  public var schema = "varve.print/1"
  public var file: String
  public var expression: String
  /// As C spells it: `struct list_head`.
  public var type: String
  /// Where the value lies; nil for what was computed.
  public var address: String?
  /// Of an integer, an enumeration or a pointer: its bits in hexadecimal, extended by their sign to
  /// 64.
  public var number: String?
  /// As gdb prints it.
  public var value: String
  public var warnings: [String]

  public init(
    file: String, expression: String, type: String, address: String? = nil, number: String? = nil,
    value: String, warnings: [String] = []
  ) {
    self.file = file
    self.expression = expression
    self.type = type
    self.address = address
    self.number = number
    self.value = value
    self.warnings = warnings
  }

  /// The value; nothing else, as scripts want it.
  public func text(_ style: TextStyle) -> String {
    value.split(separator: "\n", omittingEmptySubsequences: false)
      .map { TextStyle.visible(String($0)) }.joined(separator: "\n")
  }
}
