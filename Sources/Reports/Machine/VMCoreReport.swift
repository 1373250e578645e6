import Bytes
public import MachineDumps
import Targets

/// What `varve vmcore` prints: what was written.
public struct VMCoreReport: Codable, Hashable, Sendable {
  public var schema = "varve.vmcore/1"
  public var input: String
  /// `-` for standard output.
  public var output: String
  public var format: VMCoreFormat
  /// Counts in bytes of guest memory.
  public var written: UInt64
  public var zeros: UInt64
  public var filtered: UInt64
  /// What the dump level left out besides zeros, by what it is: `cache`, `cachePrivate`, `user`,
  /// `free`, `poisoned`, `offline`.
  public var excluded: [String: UInt64]
  /// By reason: `excluded`, `truncated`, `unmapped`, or the path of a file that isn't at hand.
  public var absent: [String: UInt64]
  /// How long the output is.
  public var fileSize: UInt64
  public var cpus: Int
  /// Nil if no VMCOREINFO was written.
  public var vmcoreInfo: VMCoreInfoReport?
  public var warnings: [String]

  public init(
    input: String, output: String, format: VMCoreFormat, summary: VMCoreSummary, cpus: Int,
    vmcoreInfo: VMCoreInfoReport?, warnings: [String]
  ) {
    self.input = input
    self.output = output
    self.format = format
    written = summary.written
    zeros = summary.zeros
    filtered = summary.filtered
    excluded = [:]
    for (kind, count) in summary.excluded { excluded[kind.name] = count }
    absent = [:]
    for (reason, count) in summary.absent { absent[Self.name(reason), default: 0] += count }
    fileSize = summary.fileSize
    self.cpus = cpus
    self.vmcoreInfo = vmcoreInfo
    self.warnings = warnings
  }

  private static func name(_ reason: MemoryFault.Reason) -> String {
    switch reason {
    case .unmapped: "unmapped"
    case .truncated: "truncated"
    case .excluded: "excluded"
    case .fileAbsent(let path): path
    }
  }

  public func text(_ style: TextStyle) -> String {
    let place = output == "-" ? "standard output" : output
    var lines = [
      TextStyle.visible(
        "wrote \(place): \(format.rawValue), \(MemoryReport.amount(written)) of guest memory"
          + (zeros > 0 ? " (\(MemoryReport.amount(zeros)) of it zeros)" : "")
          + ", \(cpus == 1 ? "1 CPU" : "\(cpus) CPUs"), \(MemoryReport.amount(fileSize)) long")
    ]
    if let vmcoreInfo { lines.append(TextStyle.visible(vmcoreInfo.text)) }
    if filtered > 0 { lines.append("left out by the filter: \(MemoryReport.amount(filtered))") }
    if !excluded.isEmpty {
      let parts = PageExclusion.Kind.allCases.compactMap { kind in
        excluded[kind.name].map { "\(kind.words) \(MemoryReport.amount($0))" }
      }
      lines.append("left out by the dump level: " + parts.joined(separator: ", "))
    }
    for (reason, count) in absent.sorted(by: { $0.key < $1.key }) {
      lines.append(
        style.paint("ABSENT (\(reason)): \(MemoryReport.amount(count))", .warning))
    }
    return lines.joined(separator: "\n")
  }
}

extension PageExclusion.Kind {
  /// What the summary calls pages of this kind.
  fileprivate var words: String {
    switch self {
    case .cache: "cache"
    case .cachePrivate: "cache with private data"
    case .user: "user data"
    case .free: "free"
    case .poisoned: "poisoned"
    case .offline: "offline"
    }
  }
}
