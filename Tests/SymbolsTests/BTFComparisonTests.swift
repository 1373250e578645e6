import Bytes
import Foundation
import Symbols
import TestWorlds
import Testing

/// The BTF of the kernel that runs here, compared with what bpftool says of it.
struct BTFComparisonTests {
  private static let path = "/sys/kernel/btf/vmlinux"
  private static let isPossible =
    FileManager.default.isReadableFile(atPath: path) && Tool.exists("bpftool")

  @Test(.enabled(if: isPossible, "needs bpftool and a kernel with BTF"))
  func everyTypeIsAsBpftoolSays() throws {
    let bytes = ByteView(copying: try Data(contentsOf: URL(filePath: Self.path)))
    let dump = try Tool.run(
      "bpftool", "btf", "dump", "file", Self.path, "format", "raw", in: ScratchDirectory())
    let comparison = BpftoolComparison(try BTFTypes(bytes), dump)
    try comparison.compare()
    #expect(comparison.types.damage == nil)
  }
}
