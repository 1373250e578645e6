import ArgumentParser
import Varve

/// How to get at the machine in a file.
struct MachineSearchOptions: ParsableArguments {
  @Option(
    name: .customLong("ram"),
    help: ArgumentHelp(
      "Guest memory by hand: SIZE bytes at ADDR of QEMU's process are at GPA of the guest; may be repeated.",
      discussion:
        "Takes the place of the search. Numbers are hexadecimal with 0x, else decimal; K, M, G and T are understood.",
      valueName: "addr:size@gpa"),
    transform: { try GivenRAM(parsing: $0) })
  var ram: [GivenRAM] = []

  @Option(
    name: .customLong("ram-file"),
    help: ArgumentHelp(
      "The file behind guest memory that the core leaves out (memory-backend-file); may be repeated.",
      discussion: "BLOCK=FILE names the block it belongs to; FILE alone is matched by its path.",
      valueName: "[block=]file"))
  var ramFiles: [String] = []

  @Option(
    name: .customLong("qmp"),
    help: ArgumentHelp(
      "The QMP socket of a running QEMU: it is paused while it is read.", valueName: "socket"),
    completion: .file())
  var qmpSocket: String?

  /// Whether any of them was given.
  var isGiven: Bool { !ram.isEmpty || !ramFiles.isEmpty || qmpSocket != nil }

  /// The options as the library takes them.
  func options(_ search: SearchOptions) -> MachineOptions {
    var options = MachineOptions()
    options.places = search.places
    options.givenRAM = ram
    options.ramFiles = ramFiles
    options.qmpSocket = qmpSocket
    return options
  }
}

/// A number of bytes on the command line: decimal, or hexadecimal with `0x`; K, M, G, T behind it
/// count in powers of 1024.
struct SizeArgument: ExpressibleByArgument {
  let bytes: UInt64

  init?(argument: String) {
    let suffixes: [Character: UInt64] = [
      "k": 1 << 10, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40,
    ]
    let factor = argument.last.flatMap { suffixes[$0] }
    let digits = factor == nil ? argument[...] : argument.dropLast()
    let number =
      digits.hasPrefix("0x") || digits.hasPrefix("0X")
      ? UInt64(digits.dropFirst(2), radix: 16) : UInt64(digits)
    guard let number else { return nil }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: factor ?? 1)
    guard !overflow else { return nil }
    self.bytes = bytes
  }
}
