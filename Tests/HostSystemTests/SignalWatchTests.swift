import Foundation
import HostSystem
import Testing

/// One test, since there can be one watch at a time.
struct SignalWatchTests {
  @Test func `Who waits hears of signals, and of the end of waiting`() async {
    do {
      let watch = SignalWatch()
      let waiter = Task { await watch.wait() }
      kill(getpid(), SIGTERM)
      await waiter.value
      #expect(watch.endRequests == 1)
      #expect(watch.interruptions == 0)
      // What has come is heard later, too.
      await watch.wait()
    }
    let watch = SignalWatch()
    #expect(watch.endRequests == 0)
    let waiter = Task { await watch.wait() }
    watch.endWaiting()
    await waiter.value
    #expect(watch.endRequests == 0)
  }
}
