import Bytes
import DebugFiles
import Foundation
import HostSystem
import ObjectFiles
import QEMUProcess
import Targets
import TestWorlds
import Testing

/// The laboratory's cores of QEMU processes of which QEMU told the machine before it was dumped.
struct MachineSubject: Sendable, Decodable, CustomTestStringConvertible {
  let name: String
  let kind: String
  let core: String?
  let machine: String?
  let guest: String?
  let truth: [String: String]?
  var testDescription: String { name }

  private struct Manifest: Decodable {
    let subjects: [MachineSubject]
  }

  /// Every core if `VARVE_LAB_ALL` is set, else one of each sort.
  static let all: [MachineSubject] = {
    let isEverythingWanted = ProcessInfo.processInfo.environment["VARVE_LAB_ALL"] != nil
    do {
      let data = try Data(
        contentsOf: URL(fileURLWithPath: LaboratoryManifest.root + "/manifest.json"))
      return try JSONDecoder().decode(Manifest.self, from: data).subjects.filter { subject in
        subject.kind == "machine-core" && subject.core.map { !$0.hasSuffix(".zst") } ?? false
          && subject.truth?["mtree"] != nil && subject.truth?["registers"] != nil
          && (isEverythingWanted || few.contains(subject.name))
      }
    } catch {
      // No laboratory on this machine: its tests have no arguments, and so don't run.
      return []
    }
  }()

  private static let few = [
    "vm-q35-3g-stripped-5.2", "vm-q35-5g-stripped-7.2", "vm-q35-nvdimm-debug",
    "vm-q35-flash-debug", "vm-pc-real-stripped-10", "vm-pc-256-stripped-new",
  ]

  /// The process, its program's file and debug information withheld.
  func process() throws -> Targets.Process {
    let places = DebugFilePlaces(debugDirectories: [], debuginfod: .off)
    return try Targets.Process(
      core: CoreFile(MappedFile.open(core ?? "").bytes), finder: DebugFileFinder(places))
  }

  private func text(_ truth: String) throws -> String {
    try String(contentsOfFile: self.truth?[truth] ?? "", encoding: .utf8)
  }

  /// `info mtree -f`: the ranges of the view of the address space “memory”.
  func ranges() throws -> [TruthRange] {
    var ranges: [TruthRange] = []
    var isView = false
    for line in try text("mtree").split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("FlatView") { isView = false }
      if line.hasPrefix(" AS \"memory\", root: system") { isView = true }
      if isView, let range = TruthRange(line) { ranges.append(range) }
    }
    return ranges.filter { $0.kind != "i/o" }
  }

  /// `info registers -a`: for each CPU its values by name.
  func registers() throws -> [[String: [String]]] {
    var cpus: [[String: [String]]] = []
    for line in try text("registers").split(whereSeparator: \.isNewline) {
      if line.hasPrefix("CPU#") {
        cpus.append([:])
      } else if !cpus.isEmpty {
        for (name, values) in RegisterLine.pairs(line) { cpus[cpus.count - 1][name] = values }
      }
    }
    return cpus
  }
}

/// A line of `info mtree -f`:
///
///     00000000fffc0000-00000000ffffffff (prio 0, rom): pc.bios @0000000000010000
struct TruthRange: Hashable, CustomStringConvertible {
  var start: UInt64
  var last: UInt64
  var kind: String
  var name: String
  var offset: UInt64

  init(start: UInt64, last: UInt64, kind: String, name: String, offset: UInt64) {
    self.start = start
    self.last = last
    self.kind = kind
    self.name = name
    self.offset = offset
  }

  init?(_ line: Substring) {
    let trimmed = line.drop { $0 == " " }
    guard let dash = trimmed.firstIndex(of: "-"), let open = trimmed.firstIndex(of: "("),
      let close = trimmed[open...].firstIndex(of: ")"), trimmed[close...].hasPrefix("): "),
      let start = UInt64(trimmed[..<dash], radix: 16),
      let last = UInt64(
        trimmed[trimmed.index(after: dash)..<open].filter { $0 != " " }, radix: 16),
      let kind = trimmed[open..<close].split(separator: " ").last
    else { return nil }
    let rest = trimmed[close...].dropFirst(3).split(separator: " ")
    self.start = start
    self.last = last
    self.kind = String(kind)
    name = String(rest.first ?? "")
    offset = rest.first { $0.hasPrefix("@") }.flatMap { UInt64($0.dropFirst(), radix: 16) } ?? 0
  }

  init(_ range: GuestFlatRange, of layout: GuestMemoryLayout) {
    start = range.start.rawValue
    last = range.start.rawValue + (range.count - 1)
    kind =
      switch range.kind {
      case .ram: "ram"
      case .rom: "rom"
      case .romDevice: "romd"
      case .nonvolatile: "nv-ram"
      case .ramDevice: "ramd"
      }
    // `idstr` has the device's path before the region's name.
    let name = layout.blocks[range.block].name
    self.name =
      name.hasPrefix("/rom@") ? name : name.split(separator: "/").last.map(String.init) ?? name
    offset = range.offset
  }

  var description: String {
    "\(String(start, radix: 16))-\(String(last, radix: 16)) \(kind) \(name) @\(offset)"
  }
}

/// The `NAME=value value…` of a line of `info registers`.
enum RegisterLine {
  static func pairs(_ line: Substring) -> [(String, [String])] {
    var pairs: [(String, [String])] = []
    // "R8 =" and "CS =" have a space before the sign.
    let text = line.replacingOccurrences(of: " =", with: "=")
    for word in text.split(separator: " ") {
      if let sign = word.firstIndex(of: "="), word.first != "[" {
        let value = String(word[word.index(after: sign)...])
        pairs.append((String(word[..<sign]), value.isEmpty ? [] : [value]))
      } else if !pairs.isEmpty {
        pairs[pairs.count - 1].1.append(String(word))
      }
    }
    return pairs
  }
}
