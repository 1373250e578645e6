import Foundation
import Testing
import TimeTravel

struct CatalogueTests {
  private static let good = """
    { "schema": "varve.timeline/2", "beginning": "cbf29ce484222325",
      "checkpoints": [
        { "name": "varve-20", "moment": 20, "bytes": 7, "pinned": true, "registers": "0000000000000001" },
        { "name": "varve-10", "moment": 10, "bytes": 9, "pinned": false, "registers": "ffffffffffffffff" } ],
      "bookmarks": [ { "name": "b", "moment": 15, "registers": "0000000000000002" } ] }
    """

  @Test func `JSON gives what it was given`() throws {
    let catalogue = try CheckpointCatalogue(json: Array(Self.good.utf8))
    #expect(catalogue.checkpoints.map(\.moment) == [Moment(10), Moment(20)])
    #expect(catalogue.checkpoints.map(\.isPinned) == [false, true])
    #expect(catalogue.bytes == 16)
    #expect(catalogue.bookmarks.map(\.name) == ["b"])
    #expect(try CheckpointCatalogue(json: catalogue.json()) == catalogue)
  }

  @Test func `What later versions added is kept, too`() throws {
    let more = Self.good.replacing(
      "\"schema\"",
      with: """
        "blind": [ 7, 8 ],
        "clock": { "shift": 5, "marks": [ { "moment": 10, "nanoseconds": 999 } ] }, "schema"
        """)
    let catalogue = try CheckpointCatalogue(json: Array(more.utf8))
    #expect(catalogue.clock == GuestClock(shift: 5, marks: [.init(Moment(10), nanoseconds: 999)]))
    let json = try catalogue.json()
    #expect(try CheckpointCatalogue(json: json) == catalogue)
    let text = String(decoding: json, as: UTF8.self).filter { !$0.isWhitespace }
    #expect(text.contains("\"blind\":[7,8]"))
  }

  @Test(arguments: [
    ("varve.timeline/2", "varve.timeline/1"), ("cbf29ce484222325", "cbf2"),
    ("cbf29ce484222325", "+bf29ce484222325"),
    ("\"moment\": 20", "\"moment\": 10"), ("\"moment\": 20", "\"moment\": -1"),
    ("varve-20", "varve-10"), ("varve-20", "varve/20"), ("\"bytes\": 7", "\"bytes\": \"7\""),
    ("[", ""), ("\"b\"", "\"<b>\""),
  ])
  func `Damage is an error`(sound: String, damaged: String) {
    let json = Self.good.replacing(sound, with: damaged, maxReplacements: 1)
    #expect(throws: TimelineError.self) { try CheckpointCatalogue(json: Array(json.utf8)) }
  }

  @Test func `A file of it is replaced as a whole`() throws {
    let directory = FileManager.default.temporaryDirectory.appending(
      path: "varve-catalogue-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { #expect(throws: Never.self) { try FileManager.default.removeItem(at: directory) } }
    let file = CatalogueFile(directory.appending(path: "timeline.json").path)
    #expect(try file.load() == nil)
    let catalogue = try CheckpointCatalogue(json: Array(Self.good.utf8))
    try file.save(CheckpointCatalogue())
    try file.save(catalogue)
    #expect(try file.load() == catalogue)
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).count == 1)
    let nowhere = CatalogueFile(directory.appending(path: "missing/timeline.json").path)
    #expect(throws: TimelineError.self) { try nowhere.save(catalogue) }
  }
}

struct GuestClockTests {
  @Test func `Without marks an instruction takes a fixed time`() {
    let clock = GuestClock(shift: 3)
    #expect(clock.nanoseconds(at: Moment(1000)) == 8000)
    #expect(clock.moment(at: 8007) == Moment(1000))
    #expect(clock.nanoseconds(at: Moment(.max)) == .max)
    #expect(clock.moment(at: .max) == Moment(.max >> 3))
  }

  @Test func `Marks are met exactly`() {
    let clock = GuestClock(
      shift: 0,
      marks: [
        .init(Moment(2000), nanoseconds: 1_000_000), .init(Moment(1000), nanoseconds: 1000),
        // Contradicts the one at 2000.
        .init(Moment(3000), nanoseconds: 500),
      ])
    #expect(clock.nanoseconds(at: Moment(500)) == 500)
    #expect(clock.nanoseconds(at: Moment(1000)) == 1000)
    #expect(clock.nanoseconds(at: Moment(1500)) == 500_500)
    #expect(clock.nanoseconds(at: Moment(2000)) == 1_000_000)
    #expect(clock.nanoseconds(at: Moment(2010)) == 1_000_010)
    #expect(clock.moment(at: 500_500) == Moment(1500))
    #expect(clock.moment(at: 1_000_010) == Moment(2010))
    let asleep = GuestClock(
      shift: 0, marks: [.init(Moment(1), nanoseconds: 0), .init(Moment(2), nanoseconds: .max)])
    #expect(asleep.moment(at: .max) == Moment(2))
    #expect(asleep.nanoseconds(at: Moment(.max)) == .max)
  }

  @Test func `Moments don't overflow`() {
    #expect(Moment(5).earlier(by: 9) == Moment(0))
    #expect(Moment(.max).later(by: 9) == Moment(.max))
    #expect(Moment(3).distance(to: Moment(10)) == 7)
    #expect("\(Moment(1_000_000_007))" == "1000000007")
  }
}

struct SeekingTests {
  @Test func `By percent, guest time and moment`() async throws {
    let toy = try await ToyTimeline(.random(seed: 2, length: 1007, start: 7))
    #expect(try await toy.timeline.seek(.percent(50)).moment == Moment(507))
    #expect(await toy.timeline.percent == 50)
    #expect(try await toy.timeline.seek(.percent(100)).moment == Moment(1007))
    #expect(try await toy.timeline.seek(.percent(0)).moment == Moment(7))
    #expect(try await toy.timeline.seek(.guestTime(nanoseconds: 8 * 100 + 7)).moment == Moment(100))
    try await toy.expect(at: try #require(toy.oracle.first(of: Moment(100))), memory: true)
    await #expect(
      throws: TimelineError.outsideRecording(Moment(6), recorded: Moment(7)...Moment(1007))
    ) { try await toy.timeline.seek(.moment(Moment(6))) }
    await #expect(throws: TimelineError.self) { try await toy.timeline.seek(.percent(.nan)) }
    await #expect(throws: TimelineError.self) { try await toy.timeline.seek(.percent(101)) }
    #expect(await toy.timeline.position == Moment(100))
  }

  @Test func `A run to a moment stops at breakpoints before it`() async throws {
    let toy = try await ToyTimeline(.random(seed: 2, length: 500))
    let stop = try await toy.timeline.run(to: Moment(321))
    #expect(stop == TimelineStop(.done, at: Moment(321)))
    try await toy.expect(at: try #require(toy.oracle.first(of: Moment(321))), memory: true)
    let stops = StopSet(breakpoints: [toy.oracle.address(10)])
    await toy.arm(stops)
    _ = try await toy.timeline.seek(.moment(Moment(0)))
    let first = try await toy.timeline.run(to: Moment(321))
    try await toy.expect(first, toy.oracle.run(from: 0, stops), otherwise: (0, .done))
  }
}
