internal import Bytes
internal import TimeTravel

extension EngineCore {
  /// So many requests are sent before an answer is read: few enough that their answers fit what sockets hold.
  private static let batchLimit = 32

  /// Nil if some of it can't be read.
  mutating func memory(_ range: MemoryRange) throws(ReplayError) -> [UInt8]? {
    try memory([range])[0]
  }

  /// The contents of each range; nil where some of it can't be read.
  mutating func memory(_ ranges: [MemoryRange]) throws(ReplayError) -> [[UInt8]?] {
    let pieces = ranges.enumerated().flatMap { index, range in Self.pieces(of: range, index) }
    var contents: [[UInt8]?] = ranges.map { _ in [] }
    var rest = pieces[...]
    while !rest.isEmpty {
      // All of one kind: virtual or physical.
      let isPhysical = rest.first?.isPhysical ?? false
      let batch = rest.prefix(Self.batchLimit).prefix { $0.isPhysical == isPhysical }
      for (piece, answer) in zip(batch, try answers(to: batch.map(\.request), isPhysical)) {
        guard !answer.hasPrefix("E") else {
          contents[piece.index] = nil
          continue
        }
        let bytes = try StubClient.bytes(answer)
        if bytes.count == piece.count {
          contents[piece.index]? += bytes
        } else {
          contents[piece.index] = nil
        }
      }
      rest = rest.dropFirst(batch.count)
    }
    // A range that ends beyond the last address has no pieces.
    for (index, range) in ranges.enumerated()
    where contents[index].map({ UInt64($0.count) }) != range.count {
      contents[index] = nil
    }
    return contents
  }

  private mutating func answers(
    to requests: [String], _ isPhysical: Bool
  ) throws(ReplayError) -> [String] {
    guard isPhysical else { return try instance.stub.ask(requests) }
    // Source: QEMU 7.2 docs/system/gdb.rst, "Changing the access to physical memory". It is left
    // again whatever the answers are.
    let answers = try instance.stub.ask(
      ["Qqemu.PhyMemMode:1"] + requests + ["Qqemu.PhyMemMode:0"])
    guard answers.first == "OK", answers.last == "OK" else {
      throw .stub("it can't read physical memory")
    }
    return Array(answers.dropFirst().dropLast())
  }

  /// What one request reads.
  private struct Piece {
    let request: String
    let count: Int
    let isPhysical: Bool
    /// Which range it is of.
    let index: Int
  }

  private static func pieces(of range: MemoryRange, _ index: Int) -> [Piece] {
    var isPhysical = false
    if case .physical = range.start { isPhysical = true }
    var pieces: [Piece] = []
    var done: UInt64 = 0
    while done < range.count {
      let count = min(StubClient.memoryLimit, range.count - done)
      let (address, overflow) = range.rawStart.addingReportingOverflow(done)
      guard !overflow else { return [] }
      let request = "m\(String(address, radix: 16)),\(String(count, radix: 16))"
      pieces.append(
        Piece(request: request, count: Int(count), isPhysical: isPhysical, index: index))
      done += count
    }
    return pieces
  }
}
