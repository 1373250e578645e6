import Bytes

extension ValuePrinter {
  /// `0x4010 <table+16>`.
  private mutating func printAddress(_ address: VirtualAddress) -> Bool {
    text += address.description
    guard let symbol = formatter.nameAddress(address) else { return false }
    text += " <" + symbol.name + (symbol.offset == 0 ? "" : "+\(symbol.offset)") + ">"
    return true
  }

  /// An address, a symbol's name if it has one, and for characters the string that's there.
  mutating func printPointer(
    to target: TypeID?, _ slice: ValueSlice, bits: UInt64
  ) throws(ValueError) {
    guard let raw = slice.unsigned(min(bits, 64)) else { return }
    let address = VirtualAddress(UInt64(truncatingIfNeeded: raw))
    _ = printAddress(address)
    if address.rawValue != 0, let kind = try textKind(target) {
      text += " "
      printString(kind, at: address)
    }
  }

  /// What an array without elements shows: where it is, as a pointer to its first one would.
  mutating func printEmptyArray(of element: TypeID?, _ slice: ValueSlice) throws(ValueError) {
    guard let address = slice.address else {
      text += "<optimized out>"
      return
    }
    _ = printAddress(address)
    if address.rawValue != 0, let kind = try textKind(element) {
      text += " "
      printString(kind, at: address)
    }
  }

  /// `@0x7ffe0010: 5`; within records, where gdb doesn't follow references, just the address.
  mutating func printReference(
    to target: TypeID?, _ size: UInt64, _ slice: ValueSlice, depth: Int, follow: Bool
  ) throws(ValueError) {
    guard let raw = slice.unsigned(min(size.multipliedClamped(by: 8), 64)) else { return }
    let address = VirtualAddress(UInt64(truncatingIfNeeded: raw))
    text += "@" + address.description
    guard follow else { return }
    // References to references don't exist, except where memory or types are damaged.
    guard referencesFollowed < TypeReference.depthLimit else {
      throw .symbol(.tooDeep(what: "reference", limit: TypeReference.depthLimit))
    }
    referencesFollowed += 1
    defer { referencesFollowed -= 1 }
    text += ": "
    let value = TypedValue(graph: graph, type: target, contents: .memory(address))
    let bits = try formatter.fetch(value)
    try print(target, ValueSlice(bits, address: address), depth: depth, followsReferences: true)
  }

  /// `{int (int)} 0x401136 <main>`.
  mutating func printFunction(_ type: TypeID?, _ slice: ValueSlice) throws(ValueError) {
    text += "{" + (try typeName(type)) + "} "
    if let address = slice.address {
      _ = printAddress(address)
    } else {
      text += Self.text(.optimizedOut)
    }
  }

  // MARK: Strings in memory

  /// The string at `address`, up to its end or `elementLimit`.
  private mutating func printString(_ kind: TextKind, at address: VirtualAddress) {
    let limit = min(UInt64(options.elementLimit ?? .max), options.maximumValueSize)
    let (bytes, isComplete, fault) = readString(at: address, width: kind.width, limit: limit)
    if fault == nil || !bytes.isEmpty {
      text += kind.prefix
      // A string of just the limit's length isn't cut if its end comes next.
      let end = address &+ UInt64(bytes.count)
      let isCut = !isComplete && fault == nil && isCharacter(at: end, width: kind.width)
      text += characterText(width: kind.width).literal(bytes, isCut: isCut)
    }
    if let fault { text += "<error: \(ValueError.memory(fault))>" }
  }

  /// Whether the code unit at `address` can be read and isn't NUL.
  private func isCharacter(at address: VirtualAddress, width: Int) -> Bool {
    do throws(MemoryFault) {
      return try formatter.memory.read(address, count: UInt64(width)).copy().contains { $0 != 0 }
    } catch {
      return false
    }
  }

  /// At most `limit` code units, without the NUL.
  private func readString(
    at address: VirtualAddress, width: Int, limit: UInt64
  ) -> (bytes: [UInt8], isComplete: Bool, fault: MemoryFault?) {
    var text: [UInt8] = []
    let total = limit.multipliedClamped(by: UInt64(width))
    while UInt64(text.count) < total {
      let next = address &+ UInt64(text.count)
      // To the end of the page, so that a string just before a hole is read in full.
      let page = max(4096 - next.rawValue % 4096, UInt64(width))
      var step = min(total - UInt64(text.count), page)
      step -= step % UInt64(width)
      let chunk: [UInt8]
      do throws(MemoryFault) {
        chunk = try readAvailable(next, count: step, width: width)
      } catch {
        return (text, false, error)
      }
      var unit = chunk[...]
      while !unit.isEmpty {
        if unit.prefix(width).allSatisfy({ $0 == 0 }) {
          return (text + chunk[..<unit.startIndex], true, nil)
        }
        unit = unit.dropFirst(width)
      }
      text += chunk
    }
    return (text, false, nil)
  }

  /// `count` bytes, or the whole code units before the first byte that's missing.
  private func readAvailable(
    _ address: VirtualAddress, count: UInt64, width: Int
  ) throws(MemoryFault) -> [UInt8] {
    do throws(MemoryFault) {
      return try formatter.memory.read(address, count: count).copy()
    } catch {
      guard let present = error.address.offset(from: address), present < count,
        present >= UInt64(width)
      else { throw error }
      return try formatter.memory.read(address, count: present - present % UInt64(width)).copy()
    }
  }
}
