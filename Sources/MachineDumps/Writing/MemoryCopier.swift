internal import Bytes
internal import Dispatch
internal import HostSystem
internal import Synchronization
internal import Targets

/// Memory that has a place in the output.
struct MemoryTransfer: Hashable {
  var start: PhysicalAddress
  var count: UInt64
  /// Where it goes.
  var offset: UInt64
}

/// Copies memory into an output. Blocks of zeros are passed over: the output makes holes of them,
/// or zeros if it can't.
struct MemoryCopier: Sendable {
  let memory: PhysicalMemory
  /// Mapped files that some of the memory is of.
  let files: [MappedFile]
  let release: @Sendable (ByteView) -> Void

  /// What is read, tested for zeros and written in one go. The kernel fills its page cache with folios
  /// as large as the writes, and has to find room for them: `cp` writes as much at a time. Larger
  /// steps are faster at best and much slower at worst (docs/performance.md).
  private static let step: UInt64 = 1 << 17
  /// What one thread takes at a time.
  private static let share: UInt64 = 32 << 20

  private struct State {
    var next = 0
    var written: UInt64 = 0
    var failure: VMCoreError?

    /// The next index below `count`; nil if all are taken or something has failed.
    mutating func take(_ count: Int) -> Int? {
      guard failure == nil, next < count else { return nil }
      defer { next += 1 }
      return next
    }
  }

  /// Copies everything in `transfers`, which ascend in the output; gives how many bytes of it weren't
  /// passed over. By up to `threads` threads if the output can be written so and the memory has to be
  /// fetched from a source: where there is nothing to do but copy, threads would only wait for each
  /// other, as file systems let one at a time write to a file.
  func copy(
    _ transfers: [MemoryTransfer], to output: any DumpOutput, threads: Int, _ meter: ProgressMeter
  ) throws(VMCoreError) -> UInt64 {
    let shares = Self.shares(of: transfers)
    guard let writer = output.concurrentWriter, threads > 1, shares.count > 1, isFetched else {
      var written: UInt64 = 0
      let reader = MappedBytesReader(files, limit: Self.step)
      var writer = ReservingWriter(output)
      for share in shares {
        let end = share.offset + share.count
        written += try copy(share, reader, meter) { bytes, offset throws(HostError) in
          try writer.write(bytes, at: offset, end: end)
        }
        try hosted { () throws(HostError) in try writer.giveBack(before: end) }
      }
      return written
    }
    let state = Mutex(State())
    DispatchQueue.concurrentPerform(iterations: min(threads, shares.count)) { _ in
      let reader = MappedBytesReader(files, limit: Self.step)
      while let index = state.withLock({ $0.take(shares.count) }) {
        do throws(VMCoreError) {
          let written = try copy(shares[index], reader, meter) { bytes, offset throws(HostError) in
            try writer.write(bytes, at: offset)
          }
          state.withLock { $0.written += written }
        } catch {
          state.withLock { $0.failure = $0.failure ?? error }
        }
      }
    }
    let (written, failure) = state.withLock { ($0.written, $0.failure) }
    if let failure { throw failure }
    return written
  }

  private var isFetched: Bool {
    memory.segments.contains { if case .source = $0.contents { true } else { false } }
  }

  private static func shares(of transfers: [MemoryTransfer]) -> [MemoryTransfer] {
    var shares: [MemoryTransfer] = []
    for transfer in transfers {
      var done: UInt64 = 0
      while done < transfer.count {
        // Borders at multiples of a share in the output, so that steps fit its pages.
        let offset = transfer.offset + done
        let count = min(transfer.count - done, share - offset % share)
        shares.append(
          MemoryTransfer(start: transfer.start &+ done, count: count, offset: offset))
        done += count
      }
    }
    return shares
  }

  private func copy(
    _ transfer: MemoryTransfer, _ reader: MappedBytesReader, _ meter: ProgressMeter,
    write: (RawSpan, UInt64) throws(HostError) -> Void
  ) throws(VMCoreError) -> UInt64 {
    var written: UInt64 = 0
    var releaser = ViewReleaser(release)
    defer { releaser.flush() }
    let end = transfer.start &+ transfer.count
    try memory.forEachStep(
      in: transfer.start..<end, bytesLimit: Self.step,
      phase: transfer.offset &- transfer.start.rawValue
    ) {
      start, run throws(VMCoreError) in
      let offset = transfer.offset + (start.rawValue - transfer.start.rawValue)
      switch run {
      case .zeros: break
      case .absent(let reason, _):
        throw .vanished(PhysicalFault(address: start, reason: reason))
      case .bytes(let view):
        if let count = try copy(view, through: reader, to: offset, write) {
          written += count
        } else {
          written += try copy(view.bytes, to: offset, write)
          releaser.add(view)
        }
      }
      meter.add(run.count)
    }
    return written
  }

  /// Nil if `view` shows nothing that can be read from a file.
  private func copy(
    _ view: ByteView, through reader: MappedBytesReader, to offset: UInt64,
    _ write: (RawSpan, UInt64) throws(HostError) -> Void
  ) throws(VMCoreError) -> UInt64? {
    var written: UInt64 = 0
    let isDone = try hosted { () throws(HostError) in
      try reader.show(view) { bytes throws(HostError) in
        written = try Self.copy(bytes, to: offset, write)
      }
    }
    return isDone ? written : nil
  }

  private func copy(
    _ bytes: RawSpan, to offset: UInt64, _ write: (RawSpan, UInt64) throws(HostError) -> Void
  ) throws(VMCoreError) -> UInt64 {
    do throws(HostError) {
      return try Self.copy(bytes, to: offset, write)
    } catch {
      throw .host(error)
    }
  }

  private static func copy(
    _ bytes: RawSpan, to offset: UInt64, _ write: (RawSpan, UInt64) throws(HostError) -> Void
  ) throws(HostError) -> UInt64 {
    var written: UInt64 = 0
    try bytes.forEachDataRun(at: offset) { run throws(HostError) in
      try write(bytes.extracting(run), offset + UInt64(run.lowerBound))
      written += UInt64(run.count)
    }
    return written
  }
}
