public import Symbols

/// Describes types as `varve type` shows them.
public struct TypeLayoutReporter {
  /// How many members are described at most: damaged types can contain themselves many times over.
  private static let memberLimit = 1 << 17
  private static let depthLimit = 32

  private var members = 0

  public init() {}

  /// Every type called `name`, and the function called so; of modules only what the kernel's image
  /// doesn't have. Throws `.noType` if there is nothing of that name.
  public static func layouts(
    named name: String, in sources: [TypeSource]
  ) throws(SymbolError) -> [TypeLayoutReport.Layout] {
    var reporter = TypeLayoutReporter()
    var found: [TypeLayoutReport.Layout] = []
    var declarations: [TypeLayoutReport.Layout] = []
    for source in sources {
      for type in try source.types.types(named: name) where source.describes(type) {
        let layout = try reporter.layout(of: type, from: source.name)
        if layout.isDeclaration == true {
          declarations.append(layout)
        } else {
          found.append(layout)
        }
      }
      if let function = try source.types.function(named: name), source.describes(function) {
        found.append(try reporter.prototype(of: name, function, from: source.name))
      }
    }
    if found.isEmpty { found = declarations }
    guard !found.isEmpty else { throw .noType(name) }
    return found
  }

  /// The layout of `type`, which `source` describes.
  public mutating func layout(
    of type: TypeReference, from source: String
  ) throws(SymbolError) -> TypeLayoutReport.Layout {
    let printer = TypePrinter(graph: type.graph)
    var layout = TypeLayoutReport.Layout(
      source: source, kind: "other", name: try printer.name(of: type.id))
    layout.size = try type.size()
    switch try type.node() {
    case .record(let record):
      layout.kind = record.kind.rawValue
      try describe(record, type, &layout)
    case .enumeration(let enumeration):
      layout.kind = "enum"
      describe(enumeration, &layout)
    case .typedef(let name, let target):
      layout.kind = "typedef"
      layout.declaration = "typedef " + (try printer.declaration(of: target, name: name))
      // What has no name of its own can be seen nowhere else.
      switch try TypeReference(type.graph, target).stripped().node() {
      case .record(let record) where record.name == nil: try describe(record, type, &layout)
      case .enumeration(let enumeration) where enumeration.name == nil:
        describe(enumeration, &layout)
      default: break
      }
    case .base(let name, _, _):
      layout.kind = "base"
      layout.declaration = name
    default: layout.declaration = layout.name
    }
    return layout
  }

  /// The prototype of the function `name`, whose type is `type`.
  public func prototype(
    of name: String, _ type: TypeReference, from source: String
  ) throws(SymbolError) -> TypeLayoutReport.Layout {
    TypeLayoutReport.Layout(
      source: source, kind: "function", name: name,
      declaration: try TypePrinter(graph: type.graph).declaration(of: type.id, name: name))
  }

  // MARK: Records and enumerations

  private mutating func describe(
    _ record: RecordNode, _ type: TypeReference, _ layout: inout TypeLayoutReport.Layout
  ) throws(SymbolError) {
    guard !record.isDeclaration else {
      layout.isDeclaration = true
      return
    }
    layout.body = try body(of: record, in: type.graph, at: 0, depth: 0)
  }

  private func describe(
    _ enumeration: EnumerationNode, _ layout: inout TypeLayoutReport.Layout
  ) {
    guard !enumeration.isDeclaration else {
      layout.isDeclaration = true
      return
    }
    layout.enumerators = enumeration.enumerators.map {
      TypeLayoutReport.Enumerator(name: $0.name, value: $0.value)
    }
  }

  /// - Parameter start: the record's own place, in bits from the outermost one's beginning.
  private mutating func body(
    of record: RecordNode, in graph: any TypeGraph, at start: UInt64, depth: Int
  ) throws(SymbolError) -> TypeLayoutReport.Body {
    guard depth < Self.depthLimit else {
      throw .tooDeep(what: "anonymous records", limit: Self.depthLimit)
    }
    var body = TypeLayoutReport.Body(kind: record.kind.rawValue, members: [], holes: [])
    var end = start
    for member in record.members {
      members += 1
      guard members <= Self.memberLimit else {
        throw .tooDeep(what: "record's members", limit: Self.memberLimit)
      }
      // Offsets and sizes are 32-bit numbers in BTF; damaged ones elsewhere wrap around.
      let place = start &+ member.bitOffset
      let described = try self.member(member, in: graph, at: place, depth: depth)
      body.members.append(described)
      guard record.kind != .union else { continue }
      if place > end {
        body.holes.append(.init(bitOffset: end, bitSize: place - end, isPadding: false))
      }
      end = max(end, place &+ (member.bitSize ?? (described.size ?? 0).multipliedClamped(by: 8)))
    }
    let limit = start &+ record.size.multipliedClamped(by: 8)
    if record.kind != .union, limit > end, !record.members.isEmpty {
      body.holes.append(.init(bitOffset: end, bitSize: limit - end, isPadding: true))
    }
    return body
  }

  private mutating func member(
    _ member: RecordNode.Member, in graph: any TypeGraph, at place: UInt64, depth: Int
  ) throws(SymbolError) -> TypeLayoutReport.Member {
    let type = TypeReference(graph, member.type)
    let printer = TypePrinter(graph: graph)
    let size = try type.size()
    var described = TypeLayoutReport.Member(
      name: member.name, type: try printer.name(of: type.id),
      declaration: try printer.declaration(of: type.id, name: member.name ?? ""),
      offset: place / 8, size: size)
    if let bits = member.bitSize {
      // The integer that the field is a part of lies at a multiple of its size.
      let unit = max(size ?? 1, 1).multipliedClamped(by: 8)
      described.offset = place / unit * unit / 8
      described.bitOffset = place % unit
      described.bitSize = bits
      described.declaration += ":\(bits)"
    }
    if member.name == nil, case .record(let inner) = try type.stripped().node(),
      inner.name == nil
    {
      described.body = try body(of: inner, in: graph, at: place, depth: depth + 1)
    }
    return described
  }
}

extension UInt64 {
  /// The product, or the largest number if that is larger still.
  fileprivate func multipliedClamped(by factor: UInt64) -> UInt64 {
    let (product, overflow) = multipliedReportingOverflow(by: factor)
    return overflow ? .max : product
  }
}
