/// The files that a user gave for guest memory that a core leaves out.
struct RAMFiles {
  /// One of `--ram-file`.
  private struct Given {
    /// Nil if the file is to be matched by its name.
    let block: String?
    let path: String
    let file: MappedFile
  }

  private let given: [Given]

  /// Opens `names`: `FILE` or `BLOCK=FILE`.
  init(_ names: [String]) throws(HostError) {
    var given: [Given] = []
    for name in names {
      let parts = name.split(separator: "=", maxSplits: 1).map(String.init)
      let hasBlock = parts.count == 2 && !parts[0].contains("/")
      let path = hasBlock ? parts[1] : name
      given.append(
        Given(block: hasBlock ? parts[0] : nil, path: path, file: try MappedFile.open(path)))
    }
    self.given = given
  }

  /// The files themselves.
  var files: [MappedFile] { given.map(\.file) }

  /// The files' contents for the stretches that are absent, and a line for each file that fits none.
  func standIns(for absent: [AbsentBacking]) -> (standIns: [HostStandIn], unused: [String]) {
    var standIns: [HostStandIn] = []
    var unused: [String] = []
    for given in given {
      let wanted = absent.filter { Self.fits(given, $0, among: absent) }
      standIns += wanted.map {
        HostStandIn(for: $0, file: given.file.bytes, source: given.path)
      }
      if wanted.isEmpty { unused.append("\(given.path): \(Self.reason(given, absent))") }
    }
    return (standIns, unused)
  }

  /// A block that is named decides; else the file's name does, wherever the file lies now.
  private static func fits(
    _ given: Given, _ absent: AbsentBacking, among all: [AbsentBacking]
  ) -> Bool {
    if let block = given.block { return absent.block == block }
    return name(of: absent.path) == name(of: given.path)
  }

  private static func name(of path: String) -> Substring {
    // The kernel marks files that were unlinked.
    let whole = path.hasSuffix(" (deleted)") ? path.dropLast(10) : path[...]
    return whole.lastIndex(of: "/").map { whole[whole.index(after: $0)...] } ?? whole
  }

  private static func reason(_ given: Given, _ absent: [AbsentBacking]) -> String {
    if absent.isEmpty { return "not used: the input holds all guest memory that is a file's" }
    let known = Set(absent.map { "\($0.block)=\($0.path)" }).sorted().joined(separator: ", ")
    return "not used: guest memory is missing of \(known); BLOCK=FILE names the block"
  }
}
