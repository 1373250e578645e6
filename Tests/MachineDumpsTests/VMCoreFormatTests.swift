import MachineDumps
import Testing

@Test func formatsAreCalledAsUsersKnowThem() {
  #expect(
    VMCoreFormat.allCases.map(\.rawValue)
      == ["elf", "kdump-zlib", "kdump-lzo", "kdump-snappy", "kdump-zstd", "raw"])
}
