/// The form of QEMU's log of a recording, all numbers big-endian:
///
///     0   u32  version; 0 until QEMU ends
///     4   u64  unused, 0
///     12  events, each a byte that says which, then what belongs to it:
///           instruction          u32 how many were executed since the event before
///           interrupt, exception
///           asynchronous         by kind: none; u64 id; a key, a packet, what a serial port received.
///                                Until 7.0 one code for all kinds, then u8 checkpoint, u8 kind;
///                                since 7.1 one code for each kind
///           shutdown             (one code for each cause)
///           character write      u32 result, u32 offset
///           character read all   array: u32 length, bytes;  or  u32 error
///           audio out            u64;   audio in   u64 count, u64 position, …
///           random               u32 result, array
///           clock                u64 nanoseconds (one code for each clock)
///           checkpoint           (one code for each)
///           end
///
/// Source: in QEMU's tags v5.2.0 to v8.2.0-rc4 and Debian's sources of 10.0.13 and 10.2.2
/// replay/replay-internal.h (the order of codes), replay/replay.c (REPLAY_VERSION, header, end),
/// replay-events.c, replay-input.c, replay-char.c, replay-net.c, replay-audio.c, replay-random.c,
/// replay-time.c; qapi/run-state.json (causes of shutdown), qapi/ui.json (kinds of input),
/// include/sysemu/replay.h, since 8.0 include/exec/replay-core.h (clocks, checkpoints). Logs of 5.2,
/// 7.2 and 10.0 are recorded and read in tests; of 11.1's source only the log of a recording was at hand.
struct ReplayLogFormat: Hashable, Sendable {
  /// What an event's code means, and so what follows it.
  enum Event: UInt8, CaseIterable, Sendable {
    case instructions, interrupt, exception
    /// A checkpoint's number and the number of one of `kinds` come first.
    case asynchronous
    case bottomHalf, bottomHalfOnce, input, inputSync, characterRead, block, network
    case shutdown
    case characterWrite, characterReadAll, characterReadAllError
    case audioOut, audioIn, random
    case clock, checkpoint, end
  }

  /// The version in the header.
  let version: UInt32
  /// QEMU's releases that write it.
  let releases: ClosedRange<QEMURelease>
  /// What each code means, from 0 on.
  let codes: [Event]
  /// How many kinds of input there are.
  let inputKinds: UInt32

  static let headerSize: UInt64 = 12

  /// Asynchronous events by their kind (replay-internal.h, ReplayAsyncEventKind; the same since 5.2).
  static let kinds: [Event] = [
    .bottomHalf, .bottomHalfOnce, .input, .inputSync, .characterRead, .block, .network,
  ]

  /// `shutdownCauses` counts the causes of `ShutdownCause`; there is a code more than that, as the
  /// range ends with the count itself. Clocks and checkpoints are the same since 5.2.
  private init(
    version: UInt32, releases: ClosedRange<QEMURelease>, asynchronous: [Event],
    shutdownCauses: Int, inputKinds: UInt32
  ) {
    self.version = version
    self.releases = releases
    self.inputKinds = inputKinds
    codes =
      [.instructions, .interrupt, .exception] + asynchronous
      + Array(repeating: .shutdown, count: shutdownCauses + 1)
      + [.characterWrite, .characterReadAll, .characterReadAllError]
      + [.audioOut, .audioIn, .random]
      + Array(repeating: .clock, count: 2)
      + Array(repeating: .checkpoint, count: 9) + [.end]
  }

  /// The forms that are known. One version can have several: a cause of shutdown that a release adds
  /// moves all codes behind it. Where two explain a log, the first does.
  static let known: [ReplayLogFormat] = [
    // Touches came with 8.1 (qapi/ui.json, InputEventKind).
    ReplayLogFormat(
      version: 0xe0200c, releases: QEMURelease(8, 1)...QEMURelease(11, 1), asynchronous: kinds,
      shutdownCauses: 11, inputKinds: 5),
    // `snapshot-load` came with 7.2 (qapi/run-state.json).
    ReplayLogFormat(
      version: 0xe0200c, releases: QEMURelease(7, 2)...QEMURelease(8, 0), asynchronous: kinds,
      shutdownCauses: 11, inputKinds: 4),
    ReplayLogFormat(
      version: 0xe0200c, releases: QEMURelease(7, 1)...QEMURelease(7, 1), asynchronous: kinds,
      shutdownCauses: 10, inputKinds: 4),
    ReplayLogFormat(
      version: 0xe0200a, releases: QEMURelease(5, 2)...QEMURelease(7, 0),
      asynchronous: [.asynchronous], shutdownCauses: 10, inputKinds: 4),
  ]
}
