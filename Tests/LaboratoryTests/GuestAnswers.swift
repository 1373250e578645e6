import Foundation
import TestWorlds
import Testing

/// What the commands about a guest's kernel answer in JSON, in a form that can be compared.
struct GuestAnswers {
  let directory: ScratchDirectory

  /// The commands, without their input. `{pid}` is a process with many kinds of mappings.
  static let commands = [
    ["ps", "-T"], ["bt", "--guest", "-a"], ["dmesg"], ["modules"], ["maps", "--pid", "{pid}"],
  ]

  /// Which input it was, and how it was found out, may differ from input to input.
  private static let aside: Set = ["file", "evidence", "warnings"]

  /// The answer, without what is set aside: keys in order, one line for each value.
  ///
  /// Without `cpus`, stacks of tasks that a CPU runs are left out: nothing but its registers tells them.
  func answer(_ command: [String], of input: String, pid: Int, cpus: Bool = true) throws -> String {
    let words = command.map { $0 == "{pid}" ? String(pid) : $0 }
    // Standard error holds warnings, which aren't JSON.
    let quoted = ([Command.path, words[0], input] + words.dropFirst() + ["--json", "-q"])
      .map { "'\($0)'" }.joined(separator: " ")
    let text = try Tool.run("bash", "-c", "\(quoted) 2>/dev/null", in: directory)
    let value = try JSONSerialization.jsonObject(with: Data(text.utf8))
    var fields = try #require(value as? [String: Any], "\(words): no object")
    for key in Self.aside { fields[key] = nil }
    if command[0] == "bt", !cpus {
      let tasks = try #require(fields["tasks"] as? [[String: Any]])
      let onCPU: Set = ["running", "runningUnseen", "userMode"]
      let others = tasks.filter { !onCPU.contains($0["origin"] as? String ?? "") }
      #expect(others.count > 80 && others.count < tasks.count)
      fields["tasks"] = others
    }
    #expect(!fields.isEmpty, "\(words) of \(input)")
    let canonical = try JSONSerialization.data(
      withJSONObject: fields, options: [.sortedKeys, .prettyPrinted])
    return String(decoding: canonical, as: UTF8.self)
  }

  /// Where two answers differ, in a few lines; empty if they don't.
  func difference(_ one: String, _ other: String) throws -> String {
    if one == other { return "" }
    let names = ["one", "other"].map { "\($0)-\(UUID().uuidString)" }
    try directory.write(one, to: names[0])
    try directory.write(other, to: names[1])
    return try Tool.run(
      "bash", "-c", "diff -U2 '\(names[0])' '\(names[1])' | head -60", in: directory, mayFail: true)
  }
}
