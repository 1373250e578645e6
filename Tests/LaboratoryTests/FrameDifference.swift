import TestWorlds
import Testing
import Varve

/// How a frame's line differs from drgn's.
struct FrameDifference {
  /// In the name, or in whether it was inlined.
  let name: Bool
  let line: Bool

  init(_ our: FrameReport, _ their: GuestStackPeerTests.Frame) {
    name = our.function != their.name || our.inlined != their.isInline
    let ours = our.file ?? ""
    let theirs = their.file ?? ""
    // drgn joins the name with the compilation's directory; gdb prints it as it was given.
    let sameFile = ours == theirs || theirs.hasSuffix("/" + ours) || ours.hasSuffix("/" + theirs)
    line = our.line != their.line || !sameFile
  }

  var isNone: Bool { !name && !line }

  /// A difference that is as it should be.
  struct Accepted: Sendable {
    let because: String
    let covers: @Sendable (FrameReport, GuestStackPeerTests.Frame) -> Bool

    init(
      _ because: String,
      _ covers: @escaping @Sendable (FrameReport, GuestStackPeerTests.Frame) -> Bool
    ) {
      self.because = because
      self.covers = covers
    }
  }

  static let accepted = [
    Accepted("a label within assembly: drgn names the sized symbol around it, the kernel the label")
    {
      our, their in
      labels.contains { $0.our == our.function && $0.their == their.name }
        && !FrameDifference(our, their).line
    },
    Accepted("code of a module, for which drgn was given no file: it prints the address for a name")
    {
      our, their in
      our.module?.hasPrefix("[") == true && their.line == nil && their.name == our.pc.padded
    },
  ]

  private static let labels: [(our: String, their: String)] = [
    ("entry_SYSCALL_64_after_hwframe", "entry_SYSCALL_64"),
    ("secondary_startup_64_no_verify", "secondary_startup_64"),
    ("common_startup_64", "secondary_startup_64"),
  ]
}

extension String {
  /// An address with the 16 digits that drgn pads to.
  fileprivate var padded: String {
    "0x" + String(repeating: "0", count: max(0, 18 - count)) + dropFirst(2)
  }
}

/// Which lines gdb has for addresses of a vmlinux.
///
/// drgn takes rows of the line table that begin no statement, and so has other lines here and there;
/// gdb leaves them out, as Varve does.
struct GDBLines {
  let vmlinux: String
  /// How far the kernel was moved from where it was linked to be.
  let bias: UInt64

  /// For each of the run-time addresses file and line; nil where gdb knows none.
  func lines(at addresses: [UInt64]) throws -> [(file: String, line: UInt32)?] {
    guard !addresses.isEmpty else { return [] }
    let questions = addresses.map { "-ex 'info line *0x\(String($0 &- bias, radix: 16))'" }
    let directory = try ScratchDirectory()
    let text = try Tool.run(
      "bash", "-c", "gdb -q -nx -batch \(questions.joined(separator: " ")) '\(vmlinux)' 2>&1",
      in: directory)
    let answers = text.split(separator: "\n").filter {
      $0.hasPrefix("Line ") || $0.hasPrefix("No line")
    }
    try #require(answers.count == addresses.count, "\(text)")
    return answers.map { answer in
      guard let match = answer.prefixMatch(of: #/Line (\d+) of "([^"]+)"/#),
        let line = UInt32(match.1)
      else { return nil }
      return (String(match.2), line)
    }
  }
}
