import Bytes
import HostSystem
import MachineDumps
import TestWorlds
import Testing

@Suite struct FlattenedOutputTests {
  private func big(_ number: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * UInt64($0))) }
  }

  private var header: [UInt8] {
    var header = Array("makedumpfile".utf8) + [0, 0, 0, 0] + big(1) + big(1)
    header += repeatElement(0, count: 4096 - header.count)
    return header
  }

  private func write(_ output: FlattenedOutput, _ bytes: [UInt8], at offset: UInt64) throws {
    let view = ByteView(copying: bytes)
    try output.write(view.bytes, at: offset)
  }

  @Test func recordsComeInTheOrderOfWriting() throws {
    let sink = KdumpOutput()
    let output = FlattenedOutput(sink)
    try write(output, [1, 2, 3], at: 0x1_0000_0000)
    try write(output, [], at: 7)
    try write(output, [4], at: 5)
    try output.finish(size: 0x1_0000_0003)
    let end = [UInt8](repeating: 0xff, count: 16)
    let records = big(0x1_0000_0000) + big(3) + [1, 2, 3] + big(5) + big(1) + [4]
    #expect(sink.bytes == header + records + end)
    #expect(sink.isFinished)
  }

  @Test func theSizeIsKept() throws {
    let sink = KdumpOutput()
    let output = FlattenedOutput(sink)
    try write(output, [1], at: 0)
    try output.finish(size: 100)
    let last = big(99) + big(1) + [0]
    let end = [UInt8](repeating: 0xff, count: 16)
    #expect(Array(sink.bytes.dropFirst(4096 + 17)) == last + end)
  }

  @Test func nothingAtAll() throws {
    let sink = KdumpOutput()
    try FlattenedOutput(sink).finish(size: 0)
    #expect(sink.bytes == header + [UInt8](repeating: 0xff, count: 16))
  }
}
