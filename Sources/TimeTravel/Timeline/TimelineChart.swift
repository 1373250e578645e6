/// A picture of a timeline, as text and as SVG.
public struct TimelineChart: Sendable {
  public let survey: TimelineSurvey

  public init(_ survey: TimelineSurvey) { self.survey = survey }

  /// One line across the whole recording and one for each thing on it:
  ///
  ///     0 |-----c----------c----c--c-cc@-----------b-------| 5000000000
  ///     c       800000000  12.500000s  16.4 MiB
  ///     b      4100000000  60.000000s  panic
  ///     @      2900000000  44.100000s
  ///
  /// - Parameter width: of the line between the bars, in characters; at least 10.
  public func text(width: Int = 60) -> String {
    let width = max(width, 10)
    var line = [Character](repeating: "-", count: width)
    // What matters more is drawn over what matters less.
    for checkpoint in survey.checkpoints { line[column(checkpoint.moment, width)] = "c" }
    for bookmark in survey.bookmarks { line[column(bookmark.moment, width)] = "b" }
    line[column(survey.position, width)] = "@"
    let bounds = survey.recorded
    var rows = ["\(bounds.lowerBound) |\(String(line))| \(bounds.upperBound)"]
    let digits = "\(bounds.upperBound)".utf8.count
    func row(_ mark: String, _ moment: Moment, _ rest: String) {
      let count = "\(moment)"
      let space = String(repeating: " ", count: max(digits - count.utf8.count, 0))
      rows.append("\(mark) \(space)\(count)  \(survey.guestTime(moment))\(rest)")
    }
    for checkpoint in survey.checkpoints {
      row(
        "c", checkpoint.moment,
        "  \(Self.size(checkpoint.bytes))\(checkpoint.isPinned ? "  kept" : "")")
    }
    for bookmark in survey.bookmarks { row("b", bookmark.moment, "  \(bookmark.name)") }
    row("@", survey.position, "")
    return rows.joined(separator: "\n") + "\n"
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
    for bookmark in survey.bookmarks {
      lines.append(mark(bookmark.moment, "#c9822b", 30...58, bookmark.name))
      lines.append(label(bookmark.moment, 26, bookmark.name))
    }
    lines.append(mark(survey.position, "#d0433b", 36...64, "position"))
    lines.append(label(survey.position, 78, "\(survey.position)"))
    lines.append(##"<text x="20" y="94">\##(survey.recorded.lowerBound)</text>"##)
    lines.append(
      ##"<text x="980" y="94" text-anchor="end">\##(survey.recorded.upperBound)</text>"##)
    return lines.joined(separator: "\n") + "\n</svg>\n"
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
