extension GuestKernelReport {
  /// The lines of `varve info` that are about the guest's kernel.
  func lines(_ style: TextStyle, explain: Bool) -> [String] {
    var lines: [String] = []
    func add(_ name: String, _ value: String?, _ role: TextStyle.Role? = nil) {
      guard let value else { return }
      let text = role.map { style.paint(value, $0) } ?? TextStyle.visible(value)
      lines.append(style.paint(name.padding(to: 10), .heading) + text)
    }
    add("guest", "Linux \(release) \(version)")
    add("built", builtText)
    add("booted as", commandLine)
    add("host name", hostName)
    add("time", timeText)
    add("running", runningText)
    add("RAM use", memory?.text)
    add("tainted", taint.map { $0.mask == 0 ? "no" : $0.text }, taint?.mask == 0 ? nil : .warning)
    for complaint in complaints { add("complaint", complaint, .warning) }
    add("panicked", panic?.text, .warning)
    if explain {
      add("lockdown", lockdown)
      add("noticed", hypervisor.map { "hypervisor \($0)" })
      add("KASLR", kernelOffset)
      lines += (evidence + unavailable).map { "      " + TextStyle.visible($0) }
    }
    return lines
  }

  private var builtText: String? {
    let parts = [builder.map { "by \($0)" }, compiler.map { "with \($0)" }].compactMap(\.self)
    return parts.isEmpty ? nil : parts.joined(separator: " ")
  }

  private var timeText: String? {
    guard let time, let uptime else { return nil }
    let source = clockSource.map { " (clock source \($0))" } ?? ""
    return "\(time.text) UTC, up \(Self.duration(uptime))\(source)"
  }

  /// `3 days, 04:05:06.78`
  static func duration(_ nanoseconds: Int64) -> String {
    guard nanoseconds >= 0 else { return "\(nanoseconds) ns" }
    func two(_ number: Int64) -> String { (number < 10 ? "0" : "") + "\(number)" }
    let seconds = nanoseconds / 1_000_000_000
    let days = seconds / 86400
    let text =
      "\(two(seconds / 3600 % 24)):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
      + ".\(two(nanoseconds / 10_000_000 % 100))"
    return days == 0 ? text : (days == 1 ? "1 day, " : "\(days) days, ") + text
  }

  private var runningText: String? {
    var parts: [String] = []
    if let onlineCPUs, let possibleCPUs {
      parts.append(
        onlineCPUs == possibleCPUs
          ? "on \(onlineCPUs.count == 1 ? "1 CPU" : "\(onlineCPUs.count) CPUs")"
          : "on \(onlineCPUs.count) of \(possibleCPUs.count) CPUs")
    }
    if let threads { parts.append("\(threads) threads") }
    if let loadAverages { parts.append("load averages \(loadAverages)") }
    return parts.isEmpty ? nil : parts.joined(separator: ", ")
  }
}

extension GuestTaintReport {
  var text: String {
    let unnamed = flags.filter { $0.letter == nil }.map { "bit \($0.bit)" }
    let reasons = flags.map { flag in (flag.letter.map { "\($0): " } ?? "") + flag.meaning }
    return ([letters] + unnamed).joined(separator: " ") + " (" + reasons.joined(separator: "; ")
      + ")"
  }
}

extension GuestMemoryReport {
  var text: String? {
    let parts = [
      ("free", free), ("available", available), ("cached", cached), ("buffers", buffers),
      ("slab", slab), ("anonymous", anonymous),
    ].compactMap { name, value in value.map { "\(MemoryReport.amount($0)) \(name)" } }
    guard let total else { return parts.isEmpty ? nil : parts.joined(separator: ", ") }
    return "\(MemoryReport.amount(total)) in all"
      + (parts.isEmpty ? "" : ": " + parts.joined(separator: ", "))
  }
}

extension GuestPanicReport {
  var text: String {
    var text = message ?? "yes, but the log doesn't tell why"
    if let cpu { text += "; on CPU \(cpu)" }
    if let task { text += ", while it ran \(task.name) (pid \(task.thread))" }
    if isRequested { text += "; asked for by SysRq" }
    return text
  }
}
