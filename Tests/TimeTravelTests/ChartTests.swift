import Testing
import TimeTravel

struct ChartTests {
  private func chart() async throws -> TimelineChart {
    let toy = try await ToyTimeline(.random(seed: 1, length: 2000, start: 1000))
    _ = try await toy.timeline.seek(.moment(Moment(1500)))
    _ = try await toy.timeline.saveCheckpoint()
    for checkpoint in await toy.timeline.checkpoints where !checkpoint.isPinned {
      try await toy.timeline.deleteCheckpoint(checkpoint.name)
    }
    _ = try await toy.timeline.seek(.moment(Moment(1999)))
    for checkpoint in await toy.timeline.checkpoints where !checkpoint.isPinned {
      try await toy.timeline.deleteCheckpoint(checkpoint.name)
    }
    try await toy.timeline.setBookmark("panic")
    _ = try await toy.timeline.seek(.moment(Moment(1000)))
    return TimelineChart(await toy.timeline.survey)
  }

  @Test func `As text`() async throws {
    #expect(
      try await chart().text(width: 10) == """
        1000 |@----c---b| 2000
        c 1500  0.000012s  0.0 MiB  kept
        b 1999  0.000015s  panic
        @ 1000  0.000008s

        """)
  }

  @Test func `As SVG`() async throws {
    let svg = try await chart().svg()
    #expect(svg.hasPrefix("<svg ") && svg.hasSuffix("</svg>\n"))
    #expect(svg.contains(#"<line x1="500.0" y1="42" x2="500.0" y2="58""#))
    #expect(svg.contains("<title>panic at 1999, 0.000015s</title>"))
    #expect(svg.contains("<title>position at 1000, 0.000008s</title>"))
  }
}
