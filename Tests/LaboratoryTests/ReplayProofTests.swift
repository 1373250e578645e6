import Foundation
import TestWorlds
import Testing

/// The parts of `scripts/prove-replay` that other tests don't cover, on a recording of a kernel's first lines.
/// The script compares with QEMUs of its own; docs/performance.md says what it found on whole boots.
@Suite("Proofs of replays", .enabled(if: RecordedGuest.isPossible), .serialized)
struct ReplayProofTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  @Test(arguments: [("states", 3), ("kills", 4), ("interrupts", 3), ("last-write", 6)])
  func holds(_ part: String, _ runs: Int) throws {
    let scratch = try ScratchDirectory()
    let script = Self.root.appending(path: "scripts/prove-replay").path
    let text = try Tool.run(
      "python3", script, "--short", "--runs", "\(runs)", "--varve", Command.path, "--keep",
      scratch.path, part, in: scratch)
    #expect(text.contains("| --- |"), "\(text)")
    #expect(!text.contains("FAILED"), "\(text)")
  }
}
