import Targets
import Testing

@Suite struct PageExclusionTests {
  @Test func runsReachOverChunks() {
    var pages = PageExclusion()
    #expect(pages.isEmpty)
    #expect(pages.run(at: 0, limit: 1 << 40) == (nil, 1 << 40))
    // Chunks are of 32768 pages.
    pages.exclude(32760..<65540, as: .free)
    #expect(pages.run(at: 0, limit: 100_000) == (nil, 32760))
    #expect(pages.run(at: 32760, limit: 100_000) == (.free, 32780))
    #expect(pages.run(at: 40000, limit: 5) == (.free, 5))
    #expect(pages.run(at: 65540, limit: 1 << 20) == (nil, 1 << 20))
  }

  @Test func theFirstReasonCounts() {
    var pages = PageExclusion()
    pages.exclude(10..<20, as: .user)
    pages.exclude(5..<25, as: .cache)
    var runs: [String] = []
    pages.forEachRun(in: 0..<30) { range, kind in
      runs.append("\(range) \(kind?.name ?? "-")")
    }
    #expect(
      runs == ["0..<5 -", "5..<10 cache", "10..<20 user", "20..<25 cache", "25..<30 -"])
  }
}
