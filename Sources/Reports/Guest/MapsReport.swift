import Bytes
public import LinuxGuest

/// What `varve maps` prints: the mappings of a guest's process.
public struct MapsReport: Codable, Hashable, Sendable {
  public var schema = "varve.maps/1"
  public var file: String
  /// The process's number and `comm`.
  public var pid: Int
  public var name: String
  /// In ascending order.
  public var mappings: [MappingReport]
  /// How they were found.
  public var evidence: [String]
  public var warnings: [String]

  public init(
    file: String, task: GuestTask, mappings: [MappingReport], evidence: [String],
    warnings: [String]
  ) {
    self.file = file
    pid = task.tgid
    name = task.comm
    self.mappings = mappings
    self.evidence = evidence
    self.warnings = warnings
  }
}

/// One mapping.
public struct MappingReport: Codable, Hashable, Sendable {
  /// The first address and the one after the last, in hexadecimal.
  public var start: String
  public var end: String
  /// `r-xp`: as in `/proc/PID/maps`.
  public var permissions: String
  /// Where in the file it begins, in bytes.
  public var offset: UInt64
  /// `08:01`, hexadecimal major and minor number; nil without a file.
  public var device: String?
  public var inode: UInt64?
  /// The file's path; nil without a file.
  public var path: String?
  /// Whether the path is no longer there, or never was.
  public var isDeleted: Bool?
  /// `[heap]`, `[stack]`, `[vdso]`, `[anon:…]`.
  public var label: String?
  /// How many bytes of it are present; nil unless that was asked for.
  public var present: UInt64?
  /// Whether its pages come from the pool of huge pages.
  public var isHugeTLB: Bool?
  /// `vm_flags`, in hexadecimal.
  public var flags: String
  /// Of its `struct vm_area_struct`.
  public var address: String
  public var diagnostics: [String]

  public init(_ mapping: GuestMapping, present: UInt64? = nil) {
    start = hex(mapping.range.lowerBound.rawValue)
    end = hex(mapping.range.upperBound.rawValue)
    permissions = mapping.permissions
    offset = mapping.offset
    if let file = mapping.file {
      device = Self.pair(file.deviceMajor) + ":" + Self.pair(file.deviceMinor)
      inode = file.inode
      path = file.path
      isDeleted = file.isDeleted
    }
    label = mapping.label
    self.present = present
    isHugeTLB = mapping.isHugeTLB ? true : nil
    flags = hex(mapping.flags)
    address = mapping.address.description
    diagnostics = mapping.diagnostics
  }

  /// At least two hexadecimal digits.
  private static func pair(_ number: UInt32) -> String {
    paddedHex(number, digits: 2)
  }
}

extension MapsReport {
  /// The lines of `/proc/PID/maps`, with the size of what is present before the name if that was
  /// asked for.
  public func text(_ style: TextStyle, explain: Bool = false) -> String {
    var lines: [String] = []
    for mapping in mappings {
      lines.append(mapping.line(style))
      lines += mapping.diagnostics.map { "      " + style.paint($0, .warning) }
    }
    if explain { lines += evidence.map { "found by " + TextStyle.visible($0) } }
    return lines.joined(separator: "\n")
  }
}

extension MappingReport {
  func line(_ style: TextStyle) -> String {
    let range = Self.digits(start) + "-" + Self.digits(end)
    var rest = " \(permissions) \(Self.digits(hex(offset))) \(device ?? "00:00") \(inode ?? 0)"
    if let present { rest += " \(present >> 10)K" }
    guard let name else { return style.paint(range, .address) + rest + " " }
    // The kernel fills up to this column (show_vma_header_prefix, fs/proc/task_mmu.c).
    rest += " "
    rest = rest.padding(to: 73 - range.count)
    return style.paint(range, .address) + rest + style.paint(name, .file)
  }

  /// What stands at the end of the line, with newlines as the kernel writes them.
  private var name: String? {
    if let label, path == nil || label.hasPrefix("[anon_shmem:") { return label }
    guard let path else { return label }
    var safe = ""
    for character in path { safe += character == "\n" ? "\\012" : String(character) }
    return safe + (isDeleted == true ? " (deleted)" : "")
  }

  /// At least eight digits, without `0x`.
  private static func digits(_ number: String) -> String {
    let digits = String(number.dropFirst(2))
    return String(repeating: "0", count: max(0, 8 - digits.count)) + digits
  }
}
