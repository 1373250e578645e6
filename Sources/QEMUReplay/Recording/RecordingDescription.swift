/// What `recording.json` in a recording's directory says: how it was made, and what a replay needs to be
/// the same.
public struct RecordingDescription: Hashable, Sendable, Codable {
  /// The file's name in the directory.
  public static let fileName = "recording.json"
  /// The form of this file; it grows when older versions couldn't read it.
  public static let currentFormat = 1

  /// The QEMU that recorded.
  public struct Engine: Hashable, Sendable, Codable {
    /// From the root, without links.
    public var path: String
    /// As QEMU calls itself: `7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)`.
    public var version: String
    /// In hexadecimal; nil if the program has none.
    public var buildID: String?
    /// In hexadecimal, if it has no build-id.
    public var sha256: String?
  }

  /// A file that the machine was made from.
  public struct Input: Hashable, Sendable, Codable {
    /// The option that named it.
    public var option: String
    /// From the root, without links.
    public var path: String
    /// In bytes.
    public var size: UInt64
    /// Nanoseconds since 1970.
    public var modified: Int64
    /// In hexadecimal.
    public var sha256: String
  }

  /// How the recording ended.
  public struct Ending: Hashable, Sendable, Codable {
    /// In words: `QEMU exited with status 0`.
    public var how: String
    /// Instructions from the machine's start.
    public var instructions: UInt64
    public var events: UInt64
    /// The log's size in bytes.
    public var logSize: UInt64
    /// The log lacked its end, and what was whole of it was kept.
    public var isSalvaged: Bool
  }

  public var format = Self.currentFormat
  /// When it began: ISO 8601, UTC.
  public var began: String
  public var engine: Engine
  /// The directory that relative names in the command lines begin at.
  public var workingDirectory: String
  /// The command line as the user gave it.
  public var given: [String]
  /// The command lines that QEMU was and is to be started with; `{recording}` stands for the directory.
  public var recorded: [String]
  public var replayed: [String]
  public var changes: [RecordingPlan.Change]
  public var disks: [RecordingPlan.Disk]
  public var inputs: [Input]
  /// An instruction takes 2 to the power of this many nanoseconds of the guest's time.
  public var shift: UInt8
  /// What the console printed is in `console.log`.
  public var keepsConsole: Bool
  /// The QEMU that records; nil before it runs.
  public var processID: Int32?
  /// Nil while it is being recorded, and if the recorder was killed.
  public var ending: Ending?
}

extension RecordingDescription {
  /// QEMU talks to the user through the terminal.
  public var usesTerminal: Bool {
    recorded.contains { word in
      word == "-nographic" || word == "-curses" || word == "curses" || word.hasPrefix("stdio")
        || word.hasPrefix("mon:stdio") || word.hasPrefix("vc")
    }
  }
}
