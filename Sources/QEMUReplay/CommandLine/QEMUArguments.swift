/// A QEMU command line, cut into its options.
public struct QEMUArguments: Hashable, Sendable {
  /// One option with its value, or the name of a disk's image that stands by itself.
  public struct Option: Hashable, Sendable {
    /// Without its dashes; `hda` for an image by itself, which QEMU takes for that.
    public var name: String
    /// Nil for options that take none.
    public var value: String?

    public init(_ name: String, _ value: String? = nil) {
      self.name = name
      self.value = value
    }

    /// As the user would write it.
    public var text: String { value.map { "-\(name) \($0)" } ?? "-\(name)" }
  }

  /// The program.
  public var program: String
  public var options: [Option]

  /// Cuts `words`, of which the first is the program. Throws `.commandLine` if a value is missing or
  /// nothing is there.
  public init(_ words: [String]) throws(ReplayError) {
    guard let program = words.first else {
      throw .commandLine(
        "the command line of QEMU is missing: varve record -- qemu-system-x86_64 …")
    }
    self.program = program
    options = []
    var index = 1
    while index < words.count {
      let word = words[index]
      index += 1
      guard word.hasPrefix("-"), word.count > 1 else {
        options.append(Option("hda", word))
        continue
      }
      // Both -drive and --drive are understood (QEMU system/vl.c, lookup_opt).
      let name = String(word.drop { $0 == "-" })
      if Self.flags.contains(name) {
        options.append(Option(name))
      } else if index < words.count {
        options.append(Option(name, words[index]))
        index += 1
      } else {
        throw .commandLine("the option \(word) lacks its value")
      }
    }
  }

  /// As a program is started with it.
  public var words: [String] {
    options.reduce(into: [program]) { words, option in
      words.append("-\(option.name)")
      if let value = option.value { words.append(value) }
    }
  }

  /// Whether one of the options is called `name`.
  public func has(_ name: String) -> Bool { options.contains { $0.name == name } }

  /// The options that take no value; every other one takes one. Source: QEMU qemu-options.hx of 5.2,
  /// 7.2 and 10.0 (the entries without HAS_ARG), and their aliases.
  static let flags: Set<String> = [
    "h", "help", "version", "mem-prealloc", "audio-help", "snapshot", "usb", "nographic",
    "portrait", "full-screen", "alt-grab", "ctrl-grab", "no-frame", "no-quit", "sdl", "curses",
    "win2k-hack", "no-fd-bootchk", "no-acpi", "no-hpet", "singlestep", "preconfig", "S", "s",
    "enable-kvm", "enable-hax", "xen-attach", "xen-create", "xen-domid-restrict", "no-reboot",
    "no-shutdown", "daemonize", "only-migratable", "nodefaults", "semihosting", "old-param",
    "no-user-config", "nodefconfig", "async-teardown", "enable-sync-profile", "enable-fips",
    "show-cursor",
  ]
}
