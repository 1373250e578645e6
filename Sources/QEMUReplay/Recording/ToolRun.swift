internal import Bytes
internal import HostSystem

/// Runs a program to its end.
enum ToolRun {
  /// What `path` printed with `arguments`. Its output goes through the file `scratch`, which is removed.
  /// Throws `.program` if its status isn't 0, or it takes longer than `limit`.
  static func output(
    _ path: String, _ arguments: [String], scratch: String, limit: Duration = .seconds(60)
  ) throws(ReplayError) -> String {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    let file = try system { () throws(HostError) in try OpenFile.log(scratch) }
    let child = try system { () throws(HostError) in
      try ChildProcess(
        path, [name] + arguments, input: .null, output: .file(file), errors: .file(file),
        endsWithParent: true, isAlone: false)
    }
    let ending = child.wait(before: .now + limit)
    let text = try system { () throws(HostError) in
      let text = String(decoding: try MappedFile.open(scratch).bytes)
      try FileNames.remove(scratch)
      return text
    }
    switch ending {
    case .exited(0): return text
    case nil:
      child.send(9)
      throw .program(name, reason: "didn't end within \(limit)", output: lastLine(text))
    case .exited(let status):
      throw .program(name, reason: "failed with status \(status)", output: lastLine(text))
    case .signal(let number):
      throw .program(name, reason: "was ended by signal \(number)", output: lastLine(text))
    }
  }

  /// What QEMU ended for: the line before the registers that an abort prints (7.2 cpu.c, cpu_abort; softmmu/cpus.c,
  /// hw_error), if there is one, and otherwise the last line.
  static func complaint(_ text: String) -> String {
    let lines = text.split(separator: "\n")
    let reason = lines.last {
      $0.hasPrefix("qemu: fatal: ") || $0.hasPrefix("qemu: hardware error: ")
    }
    return reason.map(String.init) ?? lastLine(text)
  }

  /// The last line that has something in it.
  static func lastLine(_ text: String) -> String {
    text.split(separator: "\n").last { !$0.allSatisfy(\.isWhitespace) }.map(String.init) ?? ""
  }
}
