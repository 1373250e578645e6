import ArgumentParser
import Varve

/// Where to look for the files that a dump refers to.
struct SearchOptions: ParsableArguments {
  @Option(
    name: .customLong("sysroot"),
    help: ArgumentHelp(
      "Look for the dumped process's files below DIR first.",
      discussion: "For a dump from another machine or a container.", valueName: "dir"))
  var sysroot: String?

  @Option(
    name: .customLong("debug-dir"),
    help: ArgumentHelp(
      "Look for separate debug files in DIR; may be repeated.",
      discussion:
        "Both DIR/.build-id/xx/yyyy.debug and DIR/path are tried. Default: /usr/lib/debug.",
      valueName: "dir"))
  var debugDirectories: [String] = []

  @Option(
    name: .customLong("symbols"),
    help: ArgumentHelp(
      "Use FILE for the module whose build-id it has; may be repeated.", valueName: "file"))
  var symbolFiles: [String] = []

  /// The options as the library takes them.
  var places: DebugFilePlaces {
    var places = DebugFilePlaces()
    places.sysroot = sysroot
    if !debugDirectories.isEmpty { places.debugDirectories = debugDirectories }
    places.givenFiles = symbolFiles
    return places
  }
}

/// How results are printed.
struct OutputOptions: ParsableArguments {
  @Flag(name: .customLong("json"), help: "Print JSON; docs/json.md describes it.")
  var isJSON = false

  @Option(
    name: .customLong("color"),
    help: "Use colour: always, never, or auto (on a terminal, unless NO_COLOR is set).")
  var color = ColorChoice.auto

  @Flag(name: .customLong("explain"), help: "Say where each answer came from.")
  var explain = false

  @Flag(
    name: [.customShort("q"), .customLong("quiet")], help: "Print no progress and no warnings.")
  var isQuiet = false

  var style: TextStyle { TextStyle(isColored: color.isOn) }
}

/// The values of `--color`.
enum ColorChoice: String, ExpressibleByArgument, CaseIterable {
  case auto
  case always
  case never

  var isOn: Bool {
    switch self {
    case .always: true
    case .never: false
    case .auto:
      StandardStream.output.isTerminal && (Host.environment("NO_COLOR") ?? "").isEmpty
        && Host.environment("TERM") != "dumb"
    }
  }
}

/// An address on the command line: hexadecimal with or without `0x`.
struct AddressArgument: ExpressibleByArgument {
  let address: VirtualAddress

  init?(argument: String) {
    let digits =
      argument.hasPrefix("0x") || argument.hasPrefix("0X")
      ? argument.dropFirst(2) : argument[...]
    guard let value = UInt64(digits, radix: 16) else { return nil }
    address = VirtualAddress(value)
  }
}
