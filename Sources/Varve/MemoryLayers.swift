/// A place in one of a machine's layers.
public enum MemoryPlace: Hashable, Sendable {
  /// In the guest's physical memory.
  case physical(PhysicalAddress)
  /// What a CPU of the guest sees through its page tables.
  case virtual(VirtualAddress, cpu: Int)
  /// In the memory of QEMU's process.
  case host(VirtualAddress)

  /// The address, without its space.
  var rawValue: UInt64 {
    switch self {
    case .physical(let address): address.rawValue
    case .virtual(let address, _), .host(let address): address.rawValue
    }
  }

  /// The space's name in JSON.
  var space: String {
    switch self {
    case .physical: "physical"
    case .virtual: "virtual"
    case .host: "host"
    }
  }
}

/// The memories of all layers of an input.
public struct MemoryLayers: Sendable {
  /// The input as it was given.
  public let path: String
  /// Nil if only the process is of interest.
  public let machine: Machine?
  /// Nil for a dump of a machine alone.
  public let process: Process?
  /// What was damaged or missing when the input was opened, a line each.
  public let warnings: [String]

  public init(_ source: MachineSource) {
    path = source.path
    machine = source.machine
    process = source.host
    warnings = source.warnings
  }

  public init(_ dump: CoreDump) {
    path = dump.path
    machine = nil
    process = dump.process
    warnings = dump.warnings
  }

  init(_ input: RunningInput) {
    path = input.path
    machine = nil
    process = input.process
    warnings = input.process.diagnostics
  }

  /// Opens `path`, a core or `pid:N`, for its process only, and shows it to `body`. A guest whose
  /// monitor is given is paused meanwhile, as by `MachineSource.withOpened`.
  public static func withOpenedProcess<Result>(
    _ path: String, options: MachineOptions, progress: ProgressHandler,
    _ body: (MemoryLayers) throws -> Result
  ) throws -> Result {
    try GuestPause.during(path, options) { _ in
      switch try Subject(opening: path, options: options, progress: progress) {
      case .process(let dump): try body(MemoryLayers(dump))
      case .machine(let source): try body(MemoryLayers(source))
      case .live(let input): try body(MemoryLayers(input))
      }
    }
  }

  /// What `varve memory` shows: the `count` bytes at `place`, told apart from those that are
  /// missing. Throws if the place's layer isn't there.
  public func contents(
    at place: MemoryPlace, count: UInt64
  ) throws(VarveError) -> MemoryContentsReport {
    var report = MemoryContentsReport(file: path, space: place.space, warnings: warnings)
    try forEachRun(at: place, count: count) { address, run throws(VarveError) in
      switch run {
      case .bytes(let view): report.add(view, at: address)
      case .missing(let reason, let count):
        report.add(missing: count, at: address, because: reason)
      }
    }
    return report
  }

  /// Writes the `count` bytes at `place` to standard output. Throws at the first that's missing,
  /// after writing those before it.
  public func writeBytes(at place: MemoryPlace, count: UInt64) throws(VarveError) {
    try forEachRun(at: place, count: count) { address, run throws(VarveError) in
      switch run {
      case .bytes(let view):
        do throws(HostError) {
          try StandardStream.output.write(view)
        } catch {
          throw VarveError(file: "standard output", reason: "\(error)")
        }
      case .missing(let reason, _): throw VarveError(file: path, reason: reason)
      }
    }
  }

  /// A piece of memory with one fate.
  private enum Piece {
    case bytes(ByteView)
    case missing(String, count: UInt64)
  }

  /// No piece is longer, so that none is copied into much memory.
  private static let pieceSize: UInt64 = 1 << 20

  private func forEachRun(
    at place: MemoryPlace, count: UInt64,
    _ body: (UInt64, Piece) throws(VarveError) -> Void
  ) throws(VarveError) {
    let layer = try layer(of: place)
    var done: UInt64 = 0
    while done < count {
      let (address, overflow) = place.rawValue.addingReportingOverflow(done)
      guard !overflow else {
        throw VarveError(file: path, reason: "memory ends at \(hex(UInt64.max))")
      }
      let piece = layer(address, min(count - done, Self.pieceSize))
      try body(address, piece)
      switch piece {
      case .bytes(let view): done += UInt64(max(1, view.count))
      case .missing(_, let count): done += max(1, count)
      }
    }
  }

  /// Reads what there is at an address, up to a limit.
  private typealias Layer = (_ address: UInt64, _ limit: UInt64) -> Piece

  private func layer(of place: MemoryPlace) throws(VarveError) -> Layer {
    switch place {
    case .physical:
      let memory = try theMachine().memory
      return { physicalPiece(PhysicalAddress($0), limit: $1, memory) }
    case .virtual(_, let number):
      let machine = try theMachine()
      let cpu = try machine.cpu(number, of: path)
      guard let memory = VirtualMemory(machine.memory, cpu: cpu.x86) else {
        throw VarveError(
          file: path, reason: "the control registers of CPU \(number) aren't known: no page tables")
      }
      return { virtualPiece(VirtualAddress($0), limit: $1, memory) }
    case .host:
      guard let process else {
        throw VarveError(file: path, reason: "there is no process in it, only a machine")
      }
      return { hostPiece(VirtualAddress($0), limit: $1, process.memory) }
    }
  }

  private func theMachine() throws(VarveError) -> Machine {
    guard let machine else { throw VarveError(file: path, reason: "there is no machine in it") }
    return machine
  }

  private func physicalPiece(
    _ address: PhysicalAddress, limit: UInt64, _ memory: PhysicalMemory
  ) -> Piece {
    switch memory.run(at: address, limit: limit) {
    case .bytes(let view): .bytes(view)
    case .zeros(let count): .bytes(ByteView(copying: repeatElement(0, count: Int(count))))
    case .absent(let reason, let count):
      .missing("\(PhysicalFault(address: address, reason: reason))", count: count)
    }
  }

  /// Page by page, since each has a translation of its own.
  private func virtualPiece(
    _ address: VirtualAddress, limit: UInt64, _ memory: VirtualMemory
  ) -> Piece {
    let page: UInt64 = 4096
    let count = min(limit, page - address.rawValue % page)
    do throws(PageFault) {
      let place = try memory.translate(address)
      let piece = physicalPiece(place.physical, limit: count, memory.physical)
      guard case .missing(let reason, let missing) = piece else { return piece }
      return .missing("\(address) is mapped, but \(reason)", count: missing)
    } catch {
      return .missing("\(error)", count: count)
    }
  }

  private func hostPiece(
    _ address: VirtualAddress, limit: UInt64, _ memory: AddressSpace
  ) -> Piece {
    do throws(MemoryFault) {
      return .bytes(try memory.readAvailable(address, count: limit))
    } catch {
      // As far as the region reaches, or up to the next one.
      let rest =
        if let region = memory.region(containing: address) {
          address.offset(from: region.start).map { region.count - $0 }
        } else {
          memory.firstRegion(after: address)?.start.offset(from: address)
        }
      return .missing("\(error)", count: min(limit, rest ?? limit))
    }
  }
}

extension Machine {
  /// The CPU with that number. Throws, naming the input, if there is none.
  func cpu(_ number: Int, of path: String) throws(VarveError) -> VCPU {
    guard let cpu = cpus.first(where: { $0.index == number }) else {
      let known = cpus.map { "\($0.index)" }.joined(separator: ", ")
      throw VarveError(
        file: path,
        reason: known.isEmpty
          ? "there are no CPUs in it" : "there is no CPU \(number); there are: \(known)")
    }
    return cpu
  }
}
