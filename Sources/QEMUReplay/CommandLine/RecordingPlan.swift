/// How a machine is recorded and replayed: the command lines, and what they need.
///
/// In the command lines `{recording}` stands for the recording's directory, so that it can be moved.
public struct RecordingPlan: Hashable, Sendable {
  /// Something of the user's command line that is done differently.
  public struct Change: Hashable, Sendable, Codable {
    /// As the user wrote it; empty for what is added.
    public let given: String
    /// What is in its place; empty for what is left out.
    public let used: String
    public let why: String
  }

  /// A disk that gets an overlay.
  public struct Disk: Hashable, Sendable, Codable {
    /// The overlay's name in the recording's directory.
    public let overlay: String
    /// The user's image.
    public let image: String
    /// Its format as the user named it; nil if QEMU was to find out.
    public let format: String?
  }

  /// A file that the machine is made from.
  public struct Input: Hashable, Sendable {
    /// The option that names it.
    public let option: String
    public let path: String
  }

  public internal(set) var program: String
  public internal(set) var record: [QEMUArguments.Option] = []
  public internal(set) var replay: [QEMUArguments.Option] = []
  public internal(set) var changes: [Change] = []
  public internal(set) var disks: [Disk] = []
  public internal(set) var inputs: [Input] = []
  /// What the command line says is behind an image, by the image: a file, or nothing if it is empty. The
  /// image has to say the same, as an overlay follows that.
  var backings: [String: String] = [:]
  /// An instruction takes 2 to the power of this many nanoseconds of the guest's time.
  public internal(set) var shift = Self.defaultShift
  /// The console's output is kept in a file of the recording.
  public internal(set) var keepsConsole = false

  /// 8 ns, 125 million instructions a second, which is about what TCG does; QEMU's own adaptive
  /// reckoning begins there too (QEMU 7.2 softmmu/icount.c).
  public static let defaultShift: UInt8 = 3

  /// Stands for the directory in options.
  static let directoryToken = "{recording}"

  /// Names in the directory.
  public static let logName = "log.bin"
  public static let snapshotImageName = "snapshots.qcow2"
  public static let consoleName = "console.log"
  /// The snapshot that QEMU takes before the first instruction.
  public static let startSnapshot = "varve-start"

}
