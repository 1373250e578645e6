import TestWorlds
import Testing
import Varve

/// `varve record` and `varve replay` on aarch64.
@Suite("Recordings of aarch64", .enabled(if: RecordedProcessor.arm.isPossible), .serialized)
struct RecordingOnARMTests {
  @Test func stateIsTheSameByEveryWay() async throws {
    try await RecordedGuest(.arm, ["-M", "virt"]).expectSameStateByEveryWay()
  }

  @Test func debuggerGoesBack() throws {
    let guest = try RecordedGuest(.arm, ["-M", "virt"])
    _ = try guest.record()
    try guest.expectDebuggerGoesBack()
  }
}
