import Bytes
import HostSystem

/// Bytes written one after another from a place in the output on, many at a time.
struct AppendStream {
  private let output: any DumpOutput
  /// Where the buffer's first byte will be.
  private var offset: UInt64
  private var buffer: [UInt8] = []

  private static let bufferSize = 96 << 10

  init(_ output: any DumpOutput, at offset: UInt64) {
    self.output = output
    self.offset = offset
    buffer.reserveCapacity(Self.bufferSize + 4096)
  }

  /// Lets `body` append to the buffer: a few kilobytes at most.
  mutating func append(_ body: (inout [UInt8]) -> Void) throws(VMCoreError) {
    body(&buffer)
    if buffer.count >= Self.bufferSize { try flush() }
  }

  /// Writes what is still in the buffer.
  mutating func flush() throws(VMCoreError) {
    guard !buffer.isEmpty else { return }
    let view = ByteView(copying: buffer)
    try hosted { () throws(HostError) in try output.write(view.bytes, at: offset) }
    offset += UInt64(buffer.count)
    buffer.removeAll(keepingCapacity: true)
  }
}

/// A bitmap whose bits are set in ascending order. Parts without any set bit are never written.
struct BitmapStream {
  private let output: any DumpOutput
  private let start: UInt64
  /// In bytes.
  private let size: UInt64
  private var window: [UInt8]
  /// Which byte of the bitmap the window begins with.
  private var windowStart: UInt64 = 0
  private var isDirty = false

  /// 32 KiB stand for 1 GiB of memory.
  private static let windowSize: UInt64 = 32 << 10

  /// For a bitmap of `size` bytes at `start`.
  init(_ output: any DumpOutput, at start: UInt64, size: UInt64) {
    self.output = output
    self.start = start
    self.size = size
    window = [UInt8](repeating: 0, count: Int(Self.windowSize))
  }

  /// Sets the bits of `range`, which lie in the bitmap and not before any that were set.
  mutating func set(_ range: Range<UInt64>) throws(VMCoreError) {
    var bit = range.lowerBound
    while bit < range.upperBound {
      let wanted = bit / 8 / Self.windowSize * Self.windowSize
      if wanted != windowStart {
        try flush()
        windowStart = wanted
      }
      let end = min(range.upperBound, (windowStart + Self.windowSize) * 8)
      fill(Int(bit - windowStart * 8)..<Int(end - windowStart * 8))
      bit = end
    }
  }

  private mutating func fill(_ bits: Range<Int>) {
    isDirty = true
    var bit = bits.lowerBound
    while bit < bits.upperBound {
      if bit % 8 == 0, bits.upperBound - bit >= 8 {
        window[bit / 8] = 0xff
        bit += 8
      } else {
        window[bit / 8] |= 1 << UInt8(bit % 8)
        bit += 1
      }
    }
  }

  /// Writes what is still in the window.
  mutating func flush() throws(VMCoreError) {
    guard isDirty else { return }
    let count = min(Self.windowSize, size - windowStart)
    let view = ByteView(copying: window.prefix(Int(count)))
    try hosted { () throws(HostError) in
      try output.write(view.bytes, at: start + windowStart)
    }
    for index in window.indices { window[index] = 0 }
    isDirty = false
  }
}
