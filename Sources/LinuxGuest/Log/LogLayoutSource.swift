internal import Symbols
internal import Targets

/// What tells how the log's structures are laid out.
protocol LogLayoutSource {
  /// In bytes.
  func size(of structure: LogStructure) throws(KernelLogError) -> UInt64

  /// Nil if the kernel hasn't got the member.
  func place(
    of member: LogMember, in structure: LogStructure
  ) throws(KernelLogError) -> LogField?
}

/// By the kernel's types.
struct TypedLogLayout: LogLayoutSource {
  let types: any TypeLibrary

  private func type(_ structure: LogStructure) throws(KernelLogError) -> TypeReference {
    do throws(SymbolError) {
      if let type = try types.type(named: structure.type) { return type }
    } catch {
      throw .types(.symbols(error))
    }
    throw .types(.noType(structure.type))
  }

  func size(of structure: LogStructure) throws(KernelLogError) -> UInt64 {
    let type = try type(structure)
    do throws(SymbolError) {
      if let size = try type.size() { return size }
    } catch {
      throw .types(.symbols(error))
    }
    throw .types(.noType(structure.type))
  }

  func place(
    of member: LogMember, in structure: LogStructure
  ) throws(KernelLogError) -> LogField? {
    let type = try type(structure)
    do throws(SymbolError) {
      let found = try type.member(named: member.path)
      let (bytes, tooLarge) = (try found.type.size() ?? 0).multipliedReportingOverflow(by: 8)
      guard !tooLarge else { throw SymbolError.tooDeep(what: "array", limit: 0) }
      return LogField(bitOffset: found.bitOffset, bitCount: found.bitSize ?? bytes)
    } catch {
      if case .noMember = error { return nil }
      throw .types(.symbols(error))
    }
  }
}

/// By VMCOREINFO, for kernels whose types aren't known.
struct VMCoreInfoLogLayout: LogLayoutSource {
  let info: VMCoreInfo

  func size(of structure: LogStructure) throws(KernelLogError) -> UInt64 {
    guard let size = info.size(structure.sizeKey) else {
      throw .missing(key: "SIZE(\(structure.sizeKey))")
    }
    return size
  }

  func place(
    of member: LogMember, in structure: LogStructure
  ) throws(KernelLogError) -> LogField? {
    guard !member.offsets.isEmpty else { return nil }
    var offset: UInt64 = 0
    for key in member.offsets {
      guard let more = info.offset(key) else {
        if member.isOptional { return nil }
        throw .missing(key: "OFFSET(\(key))")
      }
      let (sum, tooLarge) = offset.addingReportingOverflow(more)
      guard !tooLarge, sum < 1 << 32 else { throw .layout(what: "an offset", value: more) }
      offset = sum
    }
    let count: UInt64
    switch member.bits {
    case .count(let bits): count = bits
    case .length(let key):
      guard let length = info.length(key), length < 1 << 16 else { return nil }
      count = length * 8
    }
    return LogField(bitOffset: offset * 8 + member.skippedBits, bitCount: count)
  }
}
