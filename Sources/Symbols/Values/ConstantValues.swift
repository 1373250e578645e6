extension TypedValue {
  /// A value that stands in the debug information itself.
  ///
  /// - Throws: `.tooLarge` past `limit` bytes; `.symbol` if the type is damaged.
  public init(
    graph: any TypeGraph, type: TypeID?, constant: ConstantValue,
    limit: UInt64 = FormatOptions().maximumValueSize
  ) throws(ValueError) {
    let size = try Self.size(graph, type, limit: limit)
    switch constant {
    case .bytes(let bytes):
      var assembly = BitAssembly(byteCount: size)
      assembly.append(bytes, from: 0, count: UInt64(size) * 8)
      self.init(graph: graph, type: type, contents: .assembled(assembly.finish()))
    case .number(let number):
      // Numbers wider than 64 bits are stored as 64 and extended by their sign.
      let sign: UInt8 = Int64(bitPattern: number) < 0 ? 0xff : 0
      let bytes = (0..<size).map { index in
        index < 8 ? UInt8(truncatingIfNeeded: number >> UInt64(8 * index)) : sign
      }
      self.init(graph: graph, type: type, contents: .assembled(AssembledBits(bytes)))
    }
  }

  /// The type's size in bytes; throws if it is more than `limit`.
  static func size(
    _ graph: any TypeGraph, _ type: TypeID?, limit: UInt64
  ) throws(ValueError) -> Int {
    let size: UInt64
    do throws(SymbolError) {
      size = try TypeReference(graph, type).size() ?? 0
    } catch {
      throw .symbol(error)
    }
    guard size <= limit, let count = Int(exactly: size) else {
      throw .tooLarge(bytes: size, limit: limit)
    }
    return count
  }
}
