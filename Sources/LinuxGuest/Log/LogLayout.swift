public import Symbols

/// Where the members of one of the log's structures lie.
struct LogElementLayout: Hashable, Sendable {
  /// In bytes.
  let size: UInt64
  private let places: [LogField?]

  /// No structure of the log's comes near.
  private static let sizeLimit: UInt64 = 4096

  init(_ structure: LogStructure, _ source: some LogLayoutSource) throws(KernelLogError) {
    size = try source.size(of: structure)
    guard size > 0, size <= Self.sizeLimit else {
      throw .layout(what: "the size of \(structure.type)", value: size)
    }
    var places = [LogField?](repeating: nil, count: LogStructure.Member.allCases.count)
    for (name, member) in structure.members {
      guard let place = try source.place(of: member, in: structure) else {
        guard member.isOptional else { throw .missing(key: "\(structure.type).\(member.path)") }
        continue
      }
      guard place.fits(size) else {
        throw .layout(
          what: "the end of \(structure.type).\(member.path)",
          value: place.bitOffset / 8 &+ place.bitCount / 8)
      }
      places[name.rawValue] = place
    }
    self.places = places
  }

  /// Nil for an optional member that the kernel lacks.
  subscript(_ member: LogStructure.Member) -> LogField? { places[member.rawValue] }
}

/// How the ring of kernels from 5.10 is laid out.
public struct PrintkRingLayout: Hashable, Sendable {
  let ring: LogElementLayout
  let descriptor: LogElementLayout
  let info: LogElementLayout

  init(_ source: some LogLayoutSource) throws(KernelLogError) {
    ring = try LogElementLayout(.ring, source)
    descriptor = try LogElementLayout(.descriptor, source)
    info = try LogElementLayout(.info, source)
  }

  /// By the kernel's types.
  public init(types: any TypeLibrary) throws(KernelLogError) {
    try self.init(TypedLogLayout(types: types))
  }

  /// By VMCOREINFO.
  public init(_ info: VMCoreInfo) throws(KernelLogError) {
    try self.init(VMCoreInfoLogLayout(info: info))
  }
}

/// How the records of kernels up to 5.9 are laid out.
public struct PrintkBufferLayout: Hashable, Sendable {
  let record: LogElementLayout

  /// By the kernel's types.
  public init(types: any TypeLibrary) throws(KernelLogError) {
    record = try LogElementLayout(.oldRecord, TypedLogLayout(types: types))
  }

  /// By VMCOREINFO.
  public init(_ info: VMCoreInfo) throws(KernelLogError) {
    record = try LogElementLayout(.oldRecord, VMCoreInfoLogLayout(info: info))
  }
}
