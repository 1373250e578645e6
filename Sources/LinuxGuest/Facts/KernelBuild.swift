internal import Targets

/// How a kernel was built, by its banner (init/version.c):
///
///     Linux version 6.1.0-53-cloud-amd64 (builder@host) (gcc-12 …, GNU ld …) #1 SMP …
public struct KernelBuild: Hashable, Sendable {
  /// All of `linux_banner`.
  public let banner: String
  /// Who built it where; nil if the banner has another form.
  public let builder: String?
  /// With which compiler and linker.
  public let compiler: String?

  public init(banner: String) {
    self.banner = banner
    let groups = Self.groups(of: banner)
    builder = groups.first
    compiler = groups.count > 1 ? groups[1] : nil
  }

  private static let limit: UInt64 = 1024

  init(_ kernel: LinuxKernel) throws(StructureError) {
    let text = try kernel.text(at: kernel.address(of: "linux_banner"), limit: Self.limit)
    self.init(banner: text.hasSuffix("\n") ? String(text.dropLast()) : text)
  }

  /// What stands between outermost parentheses before the build's number.
  private static func groups(of banner: String) -> [String] {
    var groups: [String] = []
    var depth = 0
    var current = ""
    for character in banner {
      if character == "#", depth == 0 { break }
      if character == ")", depth > 0 {
        depth -= 1
        if depth == 0 { groups.append(current) }
      }
      if depth > 0 { current.append(character) }
      if character == "(" {
        if depth == 0 { current = "" }
        depth += 1
      }
    }
    return groups
  }
}
