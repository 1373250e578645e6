import HostSystem
import Testing

struct SignalWatchTests {
  /// That signals wake who waits is tested on `varve replay`: one sent to this process would disturb what other
  /// tests wait for.
  @Test func `Who waits hears of the end of waiting`() async {
    let watch = SignalWatch()
    let waiter = Task { await watch.wait() }
    watch.endWaiting()
    await waiter.value
    // What has come is heard later, too.
    await watch.wait()
    #expect(watch.endRequests == 0)
    #expect(watch.interruptions == 0)
  }
}
