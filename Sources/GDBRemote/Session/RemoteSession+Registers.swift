extension RemoteSession {
  /// `g`: all registers, unknown ones as `xx`.
  mutating func readRegisters(_ reader: inout PacketReader) async throws(RemoteError) -> Reply? {
    guard let thread = try await threadSuffix(&reader) else { return nil }
    let values = try await target.registers(of: thread)
    var text: [UInt8] = []
    for number in target.description.registers.indices {
      text += registerText(number, of: values)
    }
    return .contents(text)
  }

  /// `p`: one register.
  mutating func readRegister(_ reader: inout PacketReader) async throws(RemoteError) -> Reply? {
    guard let number = reader.count(), let thread = try await threadSuffix(&reader) else {
      return nil
    }
    guard target.description.registers.indices.contains(number) else { return nil }
    let values = try await target.registers(of: thread)
    if client.threadSuffix, values[number] == nil {
      // lldb shows `xx` as 0xcc, but an error as what it is. Only its first question, for register 0, is
      // whether there is `p` at all.
      guard number == 0, !client.knowsRegisterReads else {
        throw .refused("the register is unknown")
      }
    }
    client.knowsRegisterReads = true
    return .contents(registerText(number, of: values))
  }

  /// The digits that stand for a register.
  func registerText(_ number: Int, of values: RegisterValues) -> [UInt8] {
    if let bytes = values[number] { return hexText(bytes) }
    let size = target.description.registers[number].size
    return [UInt8](repeating: UInt8(ascii: "x"), count: 2 * size)
  }

  /// `G`: all registers; those that are `xx` stay as they are.
  mutating func writeRegisters(_ reader: inout PacketReader) async throws(RemoteError) -> Reply? {
    let digits = Array(reader.upTo(UInt8(ascii: ";")))
    guard let thread = try await threadSuffix(&reader) else { return nil }
    let description = target.description
    var values = RegisterValues(description)
    for (number, register) in description.registers.enumerated() {
      let start = 2 * description.offsets[number]
      guard start + 2 * register.size <= digits.count else { break }
      let part = digits[start..<start + 2 * register.size]
      if part.contains(UInt8(ascii: "x")) { continue }
      guard let bytes = hexBytes(part) else { return nil }
      values[number] = bytes
    }
    return try await write(values, of: thread)
  }

  /// `P`: one register.
  mutating func writeRegister(_ reader: inout PacketReader) async throws(RemoteError) -> Reply? {
    guard let number = reader.count(), reader.skip("="),
      let bytes = hexBytes(reader.upTo(UInt8(ascii: ";"))),
      let thread = try await threadSuffix(&reader)
    else { return nil }
    let registers = target.description.registers
    guard registers.indices.contains(number), registers[number].size == bytes.count else {
      return nil
    }
    var values = RegisterValues(target.description)
    values[number] = bytes
    return try await write(values, of: thread)
  }

  private func write(
    _ values: RegisterValues, of thread: ThreadID
  ) async throws(RemoteError) -> Reply {
    guard let writable = target as? any WritableTarget else {
      let reason = RemoteError.refused("registers can't be changed here")
      // Here, unlike with memory, every gdb shows what follows `E.`; only gdb knows of `swbreak`.
      if client.softwareBreakpointStops { return .text("E.\(reason)") }
      throw reason
    }
    try await writable.writeRegisters(values, of: thread)
    return .ok
  }

  /// The thread that a packet of lldb's names at its end, `;thread:ID;`; else the current one.
  private mutating func threadSuffix(
    _ reader: inout PacketReader
  ) async throws(RemoteError) -> ThreadID? {
    guard reader.skip(";thread:") else {
      return reader.isAtEnd ? try await currentThread() : nil
    }
    guard case .one(let id) = reader.thread() else { return nil }
    try await requireThread(id)
    return id
  }
}
