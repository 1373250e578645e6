import Foundation
import TestWorlds
import Testing
import Varve

/// The kernel's log, against what the guest itself, drgn and crash say of it.
@Suite("A guest's log", .enabled(if: Laboratory.isThere))
struct GuestLogTests {
  let directory: ScratchDirectory

  init() throws { directory = try ScratchDirectory() }

  /// All kernels; of their scenarios one that rests, and one whose log has gone round.
  static let subjects = LaboratoryManifest.subjects.filter {
    $0.kind == "kernel-core"
      && (LaboratoryManifest.isEverythingWanted || $0.scenario == "idle"
        || $0.name == "kernel-6.1-generic-threads" || $0.name == "kernel-5.10-panic")
  }

  private func report(_ dump: String) throws -> KernelLogReport {
    let text = try Tool.run(
      "bash", "-c", "'\(Command.path)' dmesg '\(dump)' --json -q", in: directory)
    return try JSONDecoder().decode(KernelLogReport.self, from: Data(text.utf8))
  }

  /// As `/dev/kmsg` writes it: what isn't printable ASCII, and backslashes, as `\xXX`.
  private func escaped(_ text: String) -> String {
    text.utf8.map { byte in
      (0x20..<0x7f).contains(byte) && byte != 0x5c
        ? String(UnicodeScalar(byte))
        : "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }.joined()
  }

  @Test(arguments: subjects)
  func recordsAreThoseOfTheGuest(_ subject: LaboratoryManifest.Subject) throws {
    let truth = try GuestTruth(subject).records()
    let report = try report(#require(subject.truth["qmp_dump"]))
    #expect(report.warnings == [])
    let first = try #require(truth.first)
    let last = try #require(truth.last)
    #expect(report.records.first?.sequence == first.sequence)
    let records = report.records.filter { $0.sequence <= last.sequence }
    try #require(records.count == truth.count)
    for (record, expected) in zip(records, truth) {
      #expect(record.sequence == expected.sequence)
      #expect(Int(record.level) == expected.level)
      #expect(Int(record.facility) == expected.facility)
      #expect(record.nanoseconds / 1000 == expected.microseconds)
      #expect(escaped(record.text) == expected.text)
      #expect(record.subsystem == expected.properties["SUBSYSTEM"])
      #expect(record.device == expected.properties["DEVICE"])
    }
  }

  /// `dmesg -r`, which the kernel cuts to what its buffer holds as text.
  @Test(arguments: subjects)
  func textIsThatOfTheGuest(_ subject: LaboratoryManifest.Subject) throws {
    let truth = try GuestTruth(subject).log().map {
      String($0).replacing("\u{1b}", with: "\\x1b")
    }
    let dump = try #require(subject.truth["qmp_dump"])
    let text = try Tool.run(
      "bash", "-c", "'\(Command.path)' dmesg '\(dump)' -r -p -q", in: directory)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let head = try #require(truth.first)
    let start = try #require(lines.firstIndex(of: head))
    #expect(Array(lines[start...].prefix(truth.count)) == truth)
  }

  /// drgn takes a text that had to go to the ring's start for one 8 bytes earlier, and so shows its
  /// block's id in front of it and loses its last 8 bytes.
  @Test(
    arguments: LaboratoryManifest.subjects.filter {
      ["kernel-6.1-generic-idle", "kernel-6.1-generic-threads"].contains($0.name)
    })
  func drgnReadsTheSame(_ subject: LaboratoryManifest.Subject) throws {
    let dump = try #require(subject.truth["qmp_dump"])
    let vmlinux = try #require(subject.vmlinux)
    try directory.write(
      """
      from drgn.helpers.linux.printk import get_printk_records
      for r in get_printk_records(prog):
          print(r.seq, r.timestamp, r.level, r.facility, r.caller_tid, r.caller_cpu, r.text.hex())
      """, to: "records.py")
    let peer = try LaboratoryManifest.subject("peer-drgn").path
    let found = try Tool.run(
      "bash", "-c", "'\(peer)' -q -c '\(dump)' -s '\(vmlinux)' records.py 2>/dev/null",
      in: directory
    ).split(separator: "\n").map(String.init)
    let own = try report(dump).records.map { record in
      func text(_ number: UInt32?) -> String { number.map { "\($0)" } ?? "None" }
      let hex = record.text.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
      return "\(record.sequence) \(record.nanoseconds) \(record.level) \(record.facility)"
        + " \(text(record.thread)) \(text(record.cpu)) \(hex)"
    }
    try #require(own.count == found.count)
    let different = zip(own, found).filter { $0 != $1 }
    #expect(different.count == (subject.scenario == "threads" ? 1 : 0))
    for (own, found) in different {
      #expect(own.split(separator: " ").prefix(6) == found.split(separator: " ").prefix(6))
      // The id, and all but the last 8 bytes.
      let text = try #require(own.split(separator: " ").last)
      #expect(found.hasSuffix(text.dropLast(16)))
    }
  }

  @Test func crashPrintsTheSame() throws {
    let subject = try LaboratoryManifest.subject("vm-pc-256-debug")
    let dump = try #require(subject.truth["qmp_dump"])
    let vmlinux = try LaboratoryManifest.subject("vmlinux-debug").path
    try directory.write("log\nquit\n", to: "commands")
    let crash = try Tool.run(
      "bash", "-c", "crash -s -i commands '\(vmlinux)' '\(dump)' < /dev/null 2>/dev/null",
      in: directory, mayFail: true)
    let lines = crash.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("WARNING:") }
    let own = try Tool.run("bash", "-c", "'\(Command.path)' dmesg '\(dump)' -q", in: directory)
    let expected = own.split(separator: "\n").map(String.init)
    let head = try #require(expected.first)
    let start = try #require(lines.firstIndex(of: head))
    #expect(Array(lines[start...]) == expected)
  }

  @Test func optionsMeanWhatTheyMeanToDmesg() throws {
    let subject = try LaboratoryManifest.subject("kernel-6.1-cloud-idle")
    let dump = try #require(subject.truth["qmp_dump"])
    func run(_ options: String) throws -> [Substring] {
      try Tool.run("bash", "-c", "'\(Command.path)' dmesg '\(dump)' -q \(options)", in: directory)
        .split(separator: "\n")
    }
    let all = try GuestTruth(subject).records()
    let urgent = try run("-l err+ -x")
    #expect(urgent.count >= all.count { $0.level <= 3 } && !urgent.isEmpty)
    #expect(
      urgent.allSatisfy {
        $0.contains(":err   : [") || $0.contains(":crit  : [")
          || $0.contains(":alert : [") || $0.contains(":emerg : [")
      }, "\(urgent)")
    let window = try run("--since 1 --until 2 --level info")
    let expected = all.filter {
      (1_000_000...1_999_999).contains($0.microseconds) && $0.level == 6
    }
    // One record is too long for /dev/kmsg (kernel/printk/printk.c, `devkmsg_read`), which leaves it out.
    let readable = window.filter { !$0.contains("] LAB: 0000") }
    #expect(readable.count { $0.hasPrefix("[    1.") } == expected.count)
    // The first record is of the moment when the machine started, give or take a second.
    let truth = try GuestTruth(subject)
    let (real, up) = (try truth.fact("clock:realtime"), try truth.fact("clock:boottime"))
    let start = try #require(Double(real)) - #require(Double(up))
    let stamps = [-1, 0, 1].map {
      "[" + CivilTime(nanoseconds: Int64((start + $0) * 1e9)).text + "] Linux version "
    }
    let calendar = try run("-T")
    let first = try #require(calendar.first)
    #expect(stamps.contains { first.hasPrefix($0) }, "\(first) \(stamps)")
    #expect(try Command.run(["dmesg", dump, "-l", "loud"], in: directory).status == 64)
  }
}
