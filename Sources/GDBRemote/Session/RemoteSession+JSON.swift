internal import Bytes

extension RemoteSession {
  /// `jThreadsInfo`: all threads at once, for lldb (docs/lldb-gdb-remote.txt), which else asks for each.
  mutating func threadsAsJSON() async throws(RemoteError) -> Reply {
    let stop = try await currentStop()
    var parts: [String] = []
    for thread in try await target.threads() {
      var members = [
        "\"tid\":\(thread.id.rawValue)", "\"name\":\(jsonText(thread.name))",
      ]
      if thread.id == stop.thread {
        members.append("\"reason\":\(jsonText(stop.reason.name))")
        members.append("\"signal\":\(stop.reason.signal)")
      }
      let values = try await target.registers(of: thread.id)
      let registers = target.description.expedited.filter { values[$0] != nil }.map {
        "\"\($0)\":\"\(String(decoding: registerText($0, of: values), as: UTF8.self))\""
      }
      members.append("\"registers\":{\(registers.joined(separator: ","))}")
      parts.append("{\(members.joined(separator: ","))}")
    }
    return .text("[\(parts.joined(separator: ","))]")
  }
}

/// `text` as a JSON string (RFC 8259, section 7).
func jsonText(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"", "\\": result += "\\\(scalar)"
    case "\u{0}"..."\u{1f}":
      result += "\\u" + paddedHex(scalar.value, digits: 4)
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}
