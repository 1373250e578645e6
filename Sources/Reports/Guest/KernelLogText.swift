/// How the records of a log are written.
public struct LogTextOptions: Hashable, Sendable {
  public enum Times: Hashable, Sendable {
    /// `[    1.234567]`
    case seconds
    /// `[Sat Nov 21 09:00:41 2026]`, UTC; seconds where the guest's clock isn't known.
    case calendar
    case none
  }

  public var times = Times.seconds
  /// `kern  :info  : ` in front.
  public var decodes = false
  /// `<6>` in front, as the kernel itself writes.
  public var isRaw = false
  /// Each line of a record gets all that stands in front of its first one.
  public var repeatsPrefix = false
  /// `[    T1]`: which thread or CPU logged.
  public var showsCallers = false

  public init() {}
}

extension KernelLogReport {
  /// As dmesg(1) prints it: lines after a record's first are indented.
  public func text(_ style: TextStyle, _ options: LogTextOptions = LogTextOptions()) -> String {
    records.map { $0.text(style, options) }.joined(separator: "\n")
  }
}

extension LogRecordReport {
  func text(_ style: TextStyle, _ options: LogTextOptions) -> String {
    let decoded = options.decodes && !options.isRaw ? decodedText : ""
    let stamp = stamp(options)
    let caller = options.showsCallers ? callerText : ""
    let painted = decoded + LogColors.paint(stamp, LogColors.time, style) + caller
    let indent =
      options.repeatsPrefix
      ? painted : String(repeating: " ", count: decoded.count + stamp.count + caller.count)
    var lines: [String] = []
    // Characters would join a carriage return to the newline.
    for part in text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false) {
      let line = Substring(part)
      let isFirst = lines.isEmpty
      lines.append(
        (isFirst ? painted : indent)
          + (isFirst || options.repeatsPrefix
            ? LogColors.message(line, level: level, style)
            : LogColors.rest(line, level: level, style)))
    }
    return lines.joined(separator: "\n")
  }

  /// `kern  :info  : `; numbers for what has no name.
  private var decodedText: String {
    let facility = facilityName ?? "\(facility)"
    let level = levelName ?? "\(level)"
    return "\(facility.padding(to: 6)):\(level.padding(to: 6)): "
  }

  private func stamp(_ options: LogTextOptions) -> String {
    let raw = options.isRaw ? "<\(UInt64(facility) << 3 | UInt64(level))>" : ""
    switch options.times {
    case .none: return raw
    case .calendar:
      if let time { return raw + "[\(time.text)] " }
    case .seconds: break
    }
    let microseconds = nanoseconds / 1000
    let fraction = "\(microseconds % 1_000_000)"
    return raw + "[" + "\(microseconds / 1_000_000)".leftPadded(to: 5) + "."
      + String(repeating: "0", count: 6 - fraction.count) + fraction + "] "
  }

  /// `[    T1] `, as kernels built with CONFIG_PRINTK_CALLER write it (`print_caller()`,
  /// kernel/printk/printk.c): the thread, or the CPU if no thread logged.
  private var callerText: String {
    guard let caller = thread.map({ "T\($0)" }) ?? cpu.map({ "C\($0)" }) else { return "" }
    return "[" + caller.leftPadded(to: 6) + "] "
  }
}

/// The colours of dmesg(1) (terminal-colors.d(5), util-linux).
enum LogColors {
  static let time = "32"
  private static let subsystem = "33"

  static func paint(_ text: String, _ code: String?, _ style: TextStyle) -> String {
    guard style.isColored, let code, !text.isEmpty else { return text }
    return "\u{1b}[\(code)m\(text)\u{1b}[0m"
  }

  /// A record's first line: what comes before `: ` names who speaks.
  static func message(_ line: Substring, level: UInt8, _ style: TextStyle) -> String {
    guard style.isColored, let colon = delimiter(line) else {
      return rest(line, level: level, style)
    }
    return paint(visible(line[..<colon]), subsystem, style)
      + rest(line[colon...], level: level, style)
  }

  static func rest(_ line: Substring, level: UInt8, _ style: TextStyle) -> String {
    paint(visible(line), code(of: level, line), style)
  }

  /// Where the first `: ` ends.
  private static func delimiter(_ line: Substring) -> Substring.Index? {
    var index = line.startIndex
    while let colon = line[index...].firstIndex(of: ":") {
      let next = line.index(after: colon)
      guard next < line.endIndex else { return nil }
      if line[next] == " " || line[next] == "\t" { return line.index(after: next) }
      index = next
    }
    return nil
  }

  private static func code(of level: UInt8, _ line: Substring) -> String? {
    switch level {
    case 0, 1: "7;31"
    case 2: "1;31"
    case 3: "31"
    case 4: "1"
    default: line.contains("segfault at") ? "2;31" : nil
    }
  }

  /// Control characters but tabs made visible.
  private static func visible(_ line: Substring) -> String {
    line.split(separator: "\t", omittingEmptySubsequences: false)
      .map { TextStyle.visible(String($0)) }.joined(separator: "\t")
  }
}
