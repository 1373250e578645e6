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

  @Test func `With the stops that were found`() async throws {
    let program = ToyProgram(
      instructions: [.add(register: 0, 1), .jump(0)], handler: 0, interrupts: [], length: 100)
    let toy = try await ToyTimeline(program)
    await toy.timeline.setBreakpoint(ToyMachine.address(1))
    _ = try await toy.timeline.occurrences(in: Moment(50)...Moment(99))
    let chart = TimelineChart(await toy.timeline.survey)
    let lines = chart.text(width: 10).split(separator: "\n")
    #expect(lines[0].replacing("c", with: "-") == "0 |@----*****| 100")
    let listed = lines.filter { $0.hasPrefix("*") }
    #expect(listed.count == 21)
    #expect(listed.first == "*  51  0.000000s  0x1001")
    #expect(listed.last == "* and 5 more")
    #expect(chart.svg().contains("<title>stop at 0x1001 at 51, 0.000000s</title>"))
  }

  @Test func `Without anybody who replays`() throws {
    let json = """
      { "schema": "varve.timeline/2", "clock": { "shift": 3, "marks": [
          { "moment": 10, "nanoseconds": 2000000 } ] },
        "checkpoints": [ { "name": "varve-20", "moment": 20, "bytes": 7, "pinned": false,
          "registers": "0000000000000001" }, { "name": "varve-200", "moment": 200, "bytes": 7,
          "pinned": false, "registers": "0000000000000001" } ],
        "bookmarks": [ { "name": "b", "moment": 15, "registers": "0000000000000002" },
          { "name": "later", "moment": 15, "registers": "0000000000000002" } ] }
      """
    let catalogue = try CheckpointCatalogue(json: Array(json.utf8))
    let survey = TimelineSurvey(
      recorded: Moment(0)...Moment(100), shift: 0, catalogue: catalogue)
    #expect(survey.position == nil)
    let chart = TimelineChart(survey)
    #expect(
      chart.text(width: 10) == """
        0 |-bc-------| 100
        c  20  0.002000s  0.0 MiB
        b  15  0.002000s  b
        b  15  0.002000s  later

        """)
    // Names at the same place stand one above the other.
    #expect(chart.svg().contains(#"y="30" text-anchor="middle">b<"#))
    #expect(chart.svg().contains(#"y="16" text-anchor="middle">later<"#))
    #expect(!chart.svg().contains("position"))
  }

  @Test func `As SVG`() async throws {
    let svg = try await chart().svg()
    #expect(svg.hasPrefix("<svg ") && svg.hasSuffix("</svg>\n"))
    #expect(svg.contains(#"<line x1="500.0" y1="42" x2="500.0" y2="58""#))
    #expect(svg.contains("<title>panic at 1999, 0.000015s</title>"))
    #expect(svg.contains("<title>position at 1000, 0.000008s</title>"))
  }
}
