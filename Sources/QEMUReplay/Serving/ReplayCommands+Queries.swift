internal import Bytes
internal import GDBRemote
internal import HostSystem
internal import TimeTravel

extension TimelineTarget {
  // MARK: last-write

  func lastWrite(_ words: [String]) async throws(RemoteError) -> String {
    guard let range = await range(words.joined(separator: ",")) else { throw usage("last-write") }
    let found = try await interruptibly { () async throws(TimelineError) in
      try await self.timeline.lastWrite(to: range)
    }
    switch found.finding {
    case .store(let record, let address):
      return "written at \(await text(record)), \(Self.agent(record)) " + Self.change(record)
        + Self.through(address, range) + Self.caveat(found)
    case .storeToUnreadable(let record, let address):
      return "written at \(await text(record)), \(Self.agent(record)) " + Self.change(record)
        + Self.through(address, range)
        + "whether that is still there can't be told: it isn't mapped at the position\n"
        + Self.caveat(found)
    case .change(let record, let culprit):
      let step = record.isEntry ? Self.entry : "while executing the instruction at"
      return "changed at \(await text(record)), \(step) " + Self.change(record)
        + (record.isEntry ? Self.entryExplanation : Self.explanation(culprit, found))
        + Self.comparisons(found)
        + Self.caveat(found)
    case .earlierMapping(let record, let address):
      return "changed at \(await text(record)), by the instruction at " + Self.change(record)
        + "it stored through \(address), which meant the same memory then\n"
        + Self.comparisons(found) + Self.caveat(found)
    case .nothing where found.watched.isEmpty:
      return "\(range): nothing is known to have changed it since the recording began\n"
        + Self.comparisons(found)
    case .nothing:
      return "nothing is known to have written to \(range) since the recording began: no store "
        + "through \(Self.addresses(found)), and it holds what it held then\n"
        + Self.comparisons(found) + Self.caveat(found)
    }
  }

  private func text(_ record: AccessRecord) async -> String { await text(record.moment) }

  private static var entry: String { "as the CPU took an interrupt or exception at" }

  private static func agent(_ record: AccessRecord) -> String {
    record.isEntry ? entry : "by the instruction at"
  }

  private static func change(_ record: AccessRecord) -> String {
    "\(record.programCounter): \(digits(record.before)) → \(digits(record.after))\n"
  }

  /// Nothing if the store went through the address that was asked for, or its second page.
  private static func through(_ address: VirtualAddress, _ range: MemoryRange) -> String {
    if case .virtual(let start) = range.start, address.rawValue &- start.rawValue < range.count {
      return ""
    }
    return "it stored through \(address), which means the same memory\n"
  }

  private static var entryExplanation: String { "that stored it, or a device (DMA) did\n" }

  private static func explanation(_ culprit: LastWrite.Culprit, _ found: LastWrite) -> String {
    let stores = "no store through \(addresses(found)) did that or came later: "
    let device = "it was a device (DMA), or a store through another address of the same memory"
    switch culprit {
    case .deviceOrAlias: return stores + device + "\n"
    case .deviceOrAliasOrMapping: return stores + device + ", or the mapping changed\n"
    case .anything: return "it may have been that instruction, or a device (DMA)\n"
    }
  }

  private static func addresses(_ found: LastWrite) -> String {
    found.watched.map { "0x\(String($0.rawStart, radix: 16))" }.joined(separator: ", ")
  }

  private static func comparisons(_ found: LastWrite) -> String {
    let count = found.comparisons
    let moments = count == 0 ? "here" : "here and at \(count) moments between"
    return "memory was compared \(moments); what left no trace there would have been missed\n"
  }

  private static func caveat(_ found: LastWrite) -> String {
    guard found.unwatchedMoments > 0 else { return "" }
    return "\(found.unwatchedMoments) instructions since then couldn't be watched: stores of the "
      + "same bytes by them would have been missed\n"
  }

  private static func digits(_ bytes: [UInt8]?) -> String {
    guard let bytes else { return "unreadable" }
    let shown = bytes.prefix(32).map { paddedHex($0, digits: 2) }.joined(separator: " ")
    return bytes.count > 32 ? shown + " …" : shown
  }

  // MARK: Addresses

  /// `ADDRESS[,LENGTH]`, the address in hexadecimal with or without 0x, or a register that holds it;
  /// `phys:` before a physical one.
  private func range(_ text: String) async -> MemoryRange? {
    let isPhysical = text.hasPrefix("phys:")
    let parts = (isPhysical ? text.dropFirst(5) : text[...]).split(separator: ",")
    guard let first = parts.first, parts.count <= 2, let address = await address(first),
      let count = parts.count == 2 ? UInt64(parts[1]) : 8, count > 0, count <= 4096
    else { return nil }
    return MemoryRange(
      isPhysical ? .physical(PhysicalAddress(address)) : .virtual(VirtualAddress(address)),
      count: count)
  }

  private func address(_ text: Substring) async -> UInt64? {
    if text.hasPrefix("$") {
      let values = RegisterValues(description, packet: await timeline.registers.bytes)
      return values[String(text.dropFirst())]
    }
    return UInt64(text.hasPrefix("0x") ? text.dropFirst(2) : text, radix: 16)
  }

  // MARK: every

  func every(
    _ words: [String], _ breakpoints: [Breakpoint]
  ) async throws(RemoteError) -> String {
    var words = words
    var limit = 1000
    if let last = words.last, let count = Int(last), count > 0 {
      limit = count
      words.removeLast()
    }
    if words.isEmpty {
      guard !breakpoints.isEmpty else {
        throw .refused("no breakpoint or watchpoint is set, and none was given")
      }
      await arm(breakpoints)
    } else {
      try await arm(words)
    }
    let most = limit
    let (found, isComplete): ([Occurrence], Bool)
    do throws(RemoteError) {
      (found, isComplete) = try await interruptibly { () async throws(TimelineError) in
        try await self.timeline.occurrences(limit: most)
      }
    } catch {
      await timeline.removeAllStops()
      throw error
    }
    // Debuggers have theirs set again when they go on.
    await timeline.removeAllStops()
    var lines = ""
    for occurrence in found {
      lines += "\(await text(occurrence.moment)), at \(occurrence.programCounter)\n"
    }
    return lines + "\(found.count) in all" + (isComplete ? "\n" : ", and more\n")
  }

  /// Makes what `words` say all that stops the timeline: `break:ADDRESS`, `write:RANGE`, ….
  private func arm(_ words: [String]) async throws(RemoteError) {
    await timeline.removeAllStops()
    for word in words {
      let parts = word.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { throw usage("every") }
      if parts[0] == "break" {
        guard let address = await address(parts[1]) else { throw usage("every") }
        await timeline.setBreakpoint(VirtualAddress(address))
        continue
      }
      let kinds: [Substring: WatchedAccess] = [
        "write": .write, "read": .read, "access": .readOrWrite,
      ]
      guard let access = kinds[parts[0]], let range = await range(String(parts[1])) else {
        throw usage("every")
      }
      guard case .virtual = range.start else {
        throw .refused("physical addresses can't be watched; last-write takes them")
      }
      await timeline.setWatchpoint(Watchpoint(range, access: access))
    }
  }

  // MARK: timeline

  func timelineText(_ words: [String]) async throws(RemoteError) -> String {
    let chart = TimelineChart(await timeline.survey)
    if words.isEmpty { return chart.text() }
    // On a TCP port others may ask, too: nothing is replaced, and nothing made that other programs read by
    // its name.
    guard words.count >= 2, words[0] == "svg", words[words.count - 1].hasSuffix(".svg") else {
      throw .refused("usage: timeline [svg FILE], where FILE ends in .svg")
    }
    let path = words.dropFirst().joined(separator: " ")
    do throws(HostError) {
      let file = try AtomicOutputFile(path)
      try file.write(ByteView(copying: Array(chart.svg().utf8)), at: 0)
      try file.commit()
    } catch {
      throw .refused(error.description)
    }
    return "drawn in \(path)\n"
  }
}
