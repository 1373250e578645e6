/// The form of QEMU's log of a recording, all numbers big-endian:
///
///     0   u32  version; 0 until QEMU ends
///     4   u64  unused, 0
///     12  events, each a byte that says which, then what belongs to it:
///           instruction          u32 how many were executed since the event before
///           interrupt, exception
///           asynchronous         by kind: none; u64 id; a key, a packet, what a serial port received
///           shutdown             (one code for each cause)
///           character write      u32 result, u32 offset
///           character read all   array: u32 length, bytes;  or  u32 error
///           audio out            u64;   audio in   u64 count, u64 position, …
///           random               u32 result, array
///           clock                u64 nanoseconds (one code for each clock)
///           checkpoint           (one code for each)
///           end
///
/// Source: QEMU 7.2 replay/replay-internal.h (the order of codes), replay/replay.c (header, end),
/// replay-events.c, replay-input.c, replay-char.c, replay-net.c, replay-audio.c, replay-random.c,
/// replay-time.c; qapi/run-state.json (causes of shutdown), include/sysemu/replay.h (clocks,
/// checkpoints).
struct ReplayLogFormat: Hashable, Sendable {
  /// What an event's code means, and so what follows it.
  enum Event: UInt8, CaseIterable, Sendable {
    case instructions, interrupt, exception
    case bottomHalf, bottomHalfOnce, input, inputSync, characterRead, block, network
    case shutdown
    case characterWrite, characterReadAll, characterReadAllError
    case audioOut, audioIn, random
    case clock, checkpoint, end
  }

  /// The version in the header.
  let version: UInt32
  /// QEMU's releases that write it, for people.
  let releases: String
  /// What each code means, from 0 on.
  let codes: [Event]

  static let headerSize: UInt64 = 12

  /// `shutdownCauses` counts the causes of `ShutdownCause`; there is a code more than that, as the
  /// range ends with the count itself.
  private init(version: UInt32, releases: String, shutdownCauses: Int, checkpoints: Int) {
    self.version = version
    self.releases = releases
    codes =
      [.instructions, .interrupt, .exception]
      + [.bottomHalf, .bottomHalfOnce, .input, .inputSync, .characterRead, .block, .network]
      + Array(repeating: .shutdown, count: shutdownCauses + 1)
      + [.characterWrite, .characterReadAll, .characterReadAllError]
      + [.audioOut, .audioIn, .random]
      + Array(repeating: .clock, count: 2)
      + Array(repeating: .checkpoint, count: checkpoints) + [.end]
  }

  /// The forms that are known. One version can have several: a cause of shutdown that a release adds
  /// moves all codes behind it.
  static let known: [ReplayLogFormat] = [
    // `snapshot-load` came with 7.2 (qapi/run-state.json).
    ReplayLogFormat(version: 0xe0200c, releases: "7.2", shutdownCauses: 11, checkpoints: 9),
    ReplayLogFormat(version: 0xe0200c, releases: "7.0, 7.1", shutdownCauses: 10, checkpoints: 9),
  ]
}
