extension GuestStackReport {
  /// A heading and the frames for each task or group, an empty line between two.
  public func text(_ style: TextStyle, raw: Bool = false, explain: Bool = false) -> String {
    let parts =
      groups.map { $0.map { $0.text(style, raw: raw, explain: explain) } }
      ?? tasks.map { $0.text(style, raw: raw, explain: explain) }
    return parts.joined(separator: "\n\n")
  }
}

extension GuestTaskStack {
  func text(_ style: TextStyle, raw: Bool, explain: Bool) -> String {
    var heading = "task \(pid) \"\(comm)\""
    if let cpu { heading += " cpu \(cpu)" }
    heading += " state \(state)" + (origin.remark.map { ", \($0)" } ?? "")
    if explain { heading += " task_struct \(address)" }
    var lines = [style.paint(heading, .heading)]
    lines += notes.map { style.paint("[\($0)]", .warning) }
    if let reason { lines.append(style.paint("No stack: \(reason)", .warning)) }
    if let registers { lines.append(registers.text(style)) }
    if let stack { lines.append(stack.text(style, raw: raw, explain: explain)) }
    return lines.joined(separator: "\n")
  }
}

extension GuestTaskStack.Origin {
  /// What a heading adds; nil for a task that doesn't run.
  fileprivate var remark: String? {
    switch self {
    case .switchedOut, .none: nil
    case .running: "running in the kernel"
    case .userMode: "running in user mode"
    case .runningUnseen: "running; its CPU's registers aren't known"
    }
  }
}

extension GuestStackGroup {
  func text(_ style: TextStyle, raw: Bool, explain: Bool) -> String {
    let count = tasks.count == 1 ? "1 task" : "\(tasks.count) tasks"
    var heading = "\(count): " + tasks.map { "\($0.pid)" }.joined(separator: " ")
    if let remark = origin.remark { heading += " (\(remark))" }
    let names = Set(tasks.map(\.comm)).sorted()
    var lines = [
      style.paint(heading, .heading),
      style.paint("  " + names.map { "\"\($0)\"" }.joined(separator: " "), .faint),
    ]
    if let reason { lines.append(style.paint("No stack: \(reason)", .warning)) }
    if let stack { lines.append(stack.text(style, raw: raw, explain: explain)) }
    return lines.joined(separator: "\n")
  }
}
