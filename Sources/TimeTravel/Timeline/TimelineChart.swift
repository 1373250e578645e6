/// A picture of a timeline, as text and as SVG.
public struct TimelineChart: Sendable {
  public let survey: TimelineSurvey

  public init(_ survey: TimelineSurvey) { self.survey = survey }

  /// Of the stops, at most so many are listed; the line shows all.
  static let listedStops = 20

  /// One line across the whole recording and one for each thing on it:
  ///
  ///     0 |-----c----------c--*-c-*cc@-----------b-------| 5000000000
  ///     c       800000000  12.500000s  16.4 MiB
  ///     *      2100000000  31.200000s  0xffffffff81000000
  ///     b      4100000000  60.000000s  panic
  ///     @      2900000000  44.100000s
  ///
  /// - Parameter width: of the line between the bars, in characters; at least 10.
  public func text(width: Int = 60) -> String {
    let width = max(width, 10)
    var line = [Character](repeating: "-", count: width)
    // What matters more is drawn over what matters less.
    for checkpoint in survey.checkpoints { line[column(checkpoint.moment, width)] = "c" }
    for stop in survey.stops { line[column(stop.moment, width)] = "*" }
    for bookmark in survey.bookmarks { line[column(bookmark.moment, width)] = "b" }
    if let position = survey.position { line[column(position, width)] = "@" }
    let bounds = survey.recorded
    var rows = ["\(bounds.lowerBound) |\(String(line))| \(bounds.upperBound)"]
    for checkpoint in survey.checkpoints {
      let pin = checkpoint.isPinned ? "  kept" : ""
      rows.append(row("c", checkpoint.moment, "  \(Self.size(checkpoint.bytes))\(pin)"))
    }
    for stop in survey.stops.prefix(Self.listedStops) {
      rows.append(row("*", stop.moment, "  \(stop.programCounter)"))
    }
    let others = survey.stops.count - Self.listedStops
    if others > 0 { rows.append("* and \(others) more") }
    for bookmark in survey.bookmarks {
      rows.append(row("b", bookmark.moment, "  \(bookmark.name)"))
    }
    if let position = survey.position { rows.append(row("@", position, "")) }
    return rows.joined(separator: "\n") + "\n"
  }

  private func row(_ mark: String, _ moment: Moment, _ rest: String) -> String {
    let digits = "\(survey.recorded.upperBound)".utf8.count
    let count = "\(moment)"
    let space = String(repeating: " ", count: max(digits - count.utf8.count, 0))
    return "\(mark) \(space)\(count)  \(survey.guestTime(moment))\(rest)"
  }

  private func column(_ moment: Moment, _ width: Int) -> Int {
    min(Int(survey.share(moment) * Double(width)), width - 1)
  }

  /// `16.4 MiB`.
  private static func size(_ bytes: UInt64) -> String {
    let tenths = bytes / (1 << 20) * 10 + bytes % (1 << 20) * 10 / (1 << 20)
    return "\(tenths / 10).\(tenths % 10) MiB"
  }

  /// A drawing 1000 wide and 100 high, in colours that read on light and dark ground. Each mark has a title, which
  /// viewers show under the pointer.
  public func svg() -> String {
    var lines = [
      ##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 100" font-family="sans-serif" "##
        + ##"font-size="11" fill="#888">"##,
      ##"<line x1="20" y1="50" x2="980" y2="50" stroke="#888" stroke-width="2"/>"##,
    ]
    for checkpoint in survey.checkpoints {
      lines.append(mark(checkpoint.moment, "#4a90d9", 42...58, "checkpoint"))
    }
    // Of stops that would be drawn one over the other the first will do.
    var drawn: Set<String> = []
    for stop in survey.stops where drawn.insert(position(stop.moment)).inserted {
      lines.append(mark(stop.moment, "#5a9e4b", 46...54, "stop at \(stop.programCounter)"))
    }
    for (bookmark, y) in zip(survey.bookmarks, bookmarkRows) {
      lines.append(mark(bookmark.moment, "#c9822b", (y + 4)...58, bookmark.name))
      lines.append(label(bookmark.moment, y, bookmark.name))
    }
    if let position = survey.position {
      lines.append(mark(position, "#d0433b", 36...64, "position"))
      lines.append(label(position, 78, "\(position)"))
    }
    lines.append(##"<text x="20" y="94">\##(survey.recorded.lowerBound)</text>"##)
    lines.append(
      ##"<text x="980" y="94" text-anchor="end">\##(survey.recorded.upperBound)</text>"##)
    return lines.joined(separator: "\n") + "\n</svg>\n"
  }

  /// How high the bookmarks' names stand: one that would run into the name before goes above it.
  private var bookmarkRows: [Int] {
    var ends: [Double] = []
    return survey.bookmarks.map { bookmark in
      // A letter of this size is about 6 units wide.
      let half = Double(bookmark.name.utf8.count) * 3
      let middle = survey.share(bookmark.moment) * 960
      let free = ends.firstIndex { $0 + 6 <= middle - half }
      let row = free ?? min(ends.count, 1)
      if row < ends.count { ends[row] = middle + half } else { ends.append(middle + half) }
      return 30 - 14 * row
    }
  }

  private func mark(
    _ moment: Moment, _ colour: String, _ rows: ClosedRange<Int>, _ title: String
  ) -> String {
    let x = position(moment)
    return ##"<line x1="\##(x)" y1="\##(rows.lowerBound)" x2="\##(x)" y2="\##(rows.upperBound)" "##
      + ##"stroke="\##(colour)" stroke-width="2"><title>\##(title) at \##(moment), "##
      + "\(survey.guestTime(moment))</title></line>"
  }

  private func label(_ moment: Moment, _ y: Int, _ text: String) -> String {
    ##"<text x="\##(position(moment))" y="\##(y)" text-anchor="middle">\##(text)</text>"##
  }

  /// In tenths of a unit.
  private func position(_ moment: Moment) -> String {
    let tenths = Int((200 + survey.share(moment) * 9600).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }
}
