import Bytes

/// How `varve ps` prints tasks.
public struct TaskTextOptions: Hashable, Sendable {
  /// Show every thread, with its process's number.
  public var showsThreads = false
  /// Children below their parents.
  public var isTree = false
  /// Show numbers in inner PID namespaces.
  public var showsNamespaces = false
  /// Show how each task was found.
  public var explains = false

  public init() {}
}

extension TaskListReport {
  /// A line for each task under a line of headings, as ps prints them.
  public func text(_ style: TextStyle, _ options: TaskTextOptions = TaskTextOptions()) -> String {
    let rows = options.isTree ? tree() : tasks.map { (task: $0, indent: "") }
    let columns = TaskColumn.all(options)
    let cells = rows.map { row in columns.map { $0.value(row.task) } }
    let widths = columns.indices.map { index in
      cells.reduce(columns[index].heading.count) { max($0, $1[index].count) }
    }
    var heading = ""
    for (column, width) in zip(columns, widths) {
      heading += column.padded(column.heading, to: width) + " "
    }
    var lines = [style.paint(heading + "COMMAND", .heading)]
    for (row, values) in zip(rows, cells) {
      var line = ""
      for (index, value) in values.enumerated() {
        line += columns[index].padded(TextStyle.visible(value), to: widths[index]) + " "
      }
      lines.append(line + row.indent + row.task.command(style))
      if options.explains {
        lines.append(
          "      "
            + style.paint(
              "\(row.task.address) by \(row.task.sources.joined(separator: ", "))", .faint))
      }
      lines += row.task.diagnostics.map { "      " + style.paint($0, .warning) }
    }
    for task in damaged {
      lines.append(
        style.paint("task at \(task.address) can't be shown: \(task.reason)", .warning))
    }
    if options.explains { lines += evidence.map(TextStyle.visible) }
    return lines.joined(separator: "\n")
  }

  /// The tasks in the order of a depth-first walk from parents to children, each with what draws the
  /// branches. Every task comes exactly once, even where parents form a circle.
  private func tree() -> [(task: TaskReport, indent: String)] {
    var children: [Int: [Int]] = [:]
    let processes = Set(tasks.map(\.tgid))
    var roots: [Int] = []
    for (index, task) in tasks.enumerated() {
      // A thread hangs below its process's first one.
      let parent = task.pid == task.tgid ? task.ppid : task.tgid
      if let parent, processes.contains(parent), parent != task.pid {
        children[parent, default: []].append(index)
      } else {
        roots.append(index)
      }
    }
    var rows: [(task: TaskReport, indent: String)] = []
    var seen: Set<Int> = []
    // Circles have no root: they are opened at their first task.
    for start in roots + Array(tasks.indices) where !seen.contains(start) {
      var pending: [(index: Int, lead: String, branch: String)] = [(start, "", "")]
      while let (index, lead, branch) = pending.popLast() {
        guard seen.insert(index).inserted else { continue }
        rows.append((tasks[index], lead + branch))
        guard tasks[index].pid == tasks[index].tgid else { continue }
        let below = (children[tasks[index].pid] ?? []).filter { !seen.contains($0) }
        // Deeper than that the lead alone would fill the line.
        let inner =
          branch.isEmpty || lead.count > 120 ? lead : lead + (branch == "\\_ " ? "   " : "|  ")
        for (order, child) in below.enumerated().reversed() {
          pending.append((child, inner, order == below.count - 1 ? "\\_ " : "|- "))
        }
      }
    }
    return rows
  }
}

extension TaskReport {
  /// The command line as ps shows it, or the name in brackets.
  fileprivate func command(_ style: TextStyle) -> String {
    if isKernelThread { return style.paint("[\(fullName ?? name)]", .function) }
    guard let arguments, !arguments.isEmpty else {
      return style.paint("[\(name)]", .function)
        + (argumentsProblem == nil ? "" : style.paint(" (command line not in memory)", .faint))
    }
    let line = arguments.map { $0.isEmpty ? "''" : $0 }.joined(separator: " ")
    let shown = line.count > 200 ? String(line.prefix(200)) + "…" : line
    return style.paint(shown, .function)
      + (argumentsProblem == nil ? "" : style.paint(" (the rest isn't in memory)", .faint))
  }
}

/// One column of the table.
private struct TaskColumn {
  let heading: String
  var isLeftAligned = false
  let value: (TaskReport) -> String

  func padded(_ text: String, to width: Int) -> String {
    isLeftAligned ? text.padding(to: width) : text.leftPadded(to: width)
  }

  static func all(_ options: TaskTextOptions) -> [TaskColumn] {
    var columns = [TaskColumn(heading: "PID") { "\($0.pid)" }]
    if options.showsThreads { columns.append(TaskColumn(heading: "TGID") { "\($0.tgid)" }) }
    columns += [
      TaskColumn(heading: "PPID") { number($0.ppid) },
      TaskColumn(heading: "CPU") { number($0.cpu) },
      // As crash marks tasks on a CPU.
      TaskColumn(heading: "ST", isLeftAligned: true) { $0.state + ($0.isOnCPU == true ? ">" : "") },
      TaskColumn(heading: "FLAGS") { String($0.flags.dropFirst(2)) },
      TaskColumn(heading: "RSS") { $0.residentSize.map { "\($0 >> 10)K" } ?? "-" },
      TaskColumn(heading: "TIME") { time($0) },
    ]
    if options.showsNamespaces {
      columns.append(
        TaskColumn(heading: "NSPID") { task in
          task.namespacePIDs.map { $0.dropFirst().map(String.init).joined(separator: ",") } ?? "-"
        })
    }
    return columns
  }

  private static func number(_ value: Int?) -> String { value.map(String.init) ?? "?" }

  /// Minutes, seconds and hundredths.
  private static func time(_ task: TaskReport) -> String {
    guard let user = task.userTime, let system = task.systemTime else { return "?" }
    let hundredths = (user &+ system) / 10_000_000
    let parts = [hundredths / 100 % 60, hundredths % 100].map { String($0).zeroPadded }
    return "\(hundredths / 6000):\(parts[0]).\(parts[1])"
  }
}

extension String {
  /// At least two digits.
  fileprivate var zeroPadded: String { count < 2 ? "0" + self : self }
}
