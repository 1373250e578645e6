import Bytes
import QEMUProcess
import Testing

@Suite("Coroutines of real cores, without symbols")
struct RealCoreTests {
  @Test(arguments: Laboratory.cores)
  func findsExactlyTheCoroutinesThatExist(_ core: Laboratory.Core) throws {
    let truth = try Laboratory.Truth.of(core)
    let result = CoroutineScanner(try HostProcess(core: core.core)).scan()
    let known = Set(truth.live.compactMap { address($0.pointer) })
    let found = Set(result.coroutines.map(\.address))
    #expect(found.subtracting(known).sorted() == [], "found what isn't there")
    #expect(known.subtracting(found).sorted() == [], "missed what is there")
    #expect(result.coroutines.count == truth.live_stack_count)
    print(result.diagnostics, result.layout as Any, result.pointerGuard as Any, result.searched)
    print(result.rejected)
    for coroutine in result.coroutines.prefix(200) {
      print(
        coroutine.address, coroutine.state, coroutine.evidence.map(\.description), coroutine.doubts)
    }
  }
}
