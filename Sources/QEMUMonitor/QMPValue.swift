internal import FoundationEssentials

/// A JSON value as QMP sends and takes it.
public enum QMPValue: Hashable, Sendable {
  case null
  case bool(Bool)
  case integer(Int64)
  /// A number that isn't a 64-bit integer.
  case number(Double)
  case string(String)
  case array([QMPValue])
  case object([String: QMPValue])

  /// The member `key` of an object; nil if there is none, or this is no object.
  public subscript(_ key: String) -> QMPValue? {
    if case .object(let members) = self { return members[key] }
    return nil
  }

  public var string: String? {
    if case .string(let text) = self { return text }
    return nil
  }

  public var bool: Bool? {
    if case .bool(let value) = self { return value }
    return nil
  }

  public var integer: Int64? {
    if case .integer(let value) = self { return value }
    return nil
  }
}

extension QMPValue: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = Self.decode(Bool.self, container) {
      self = .bool(value)
    } else if let value = Self.decode(Int64.self, container) {
      self = .integer(value)
    } else if let value = Self.decode(Double.self, container) {
      self = .number(value)
    } else if let value = Self.decode(String.self, container) {
      self = .string(value)
    } else if let value = Self.decode([QMPValue].self, container) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: QMPValue].self))
    }
  }

  /// Nil if the value is of another type: the next one is tried.
  private static func decode<Value: Decodable>(
    _ type: Value.Type, _ container: any SingleValueDecodingContainer
  ) -> Value? {
    do { return try container.decode(type) } catch { return nil }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .string(let value): try container.encode(value)
    case .array(let value): try container.encode(value)
    case .object(let value): try container.encode(value)
    }
  }

  /// Throws `.protocolViolation` for what isn't JSON.
  init(json: [UInt8]) throws(QMPError) {
    do {
      self = try JSONDecoder().decode(QMPValue.self, from: Data(json))
    } catch {
      let start = String(decoding: json.prefix(60), as: UTF8.self)
      throw .protocolViolation("“\(start)” is no JSON value")
    }
  }

  /// As one line of JSON, without its end. Throws `.protocolViolation` for numbers that JSON can't
  /// say.
  func json() throws(QMPError) -> [UInt8] {
    do {
      return Array(try JSONEncoder().encode(self))
    } catch {
      throw .protocolViolation("a command can't be said in JSON: \(error)")
    }
  }
}
