import Bytes
import Foundation
import Targets
import TestWorlds
import Testing

/// What QEMU's own walkers say of the same tables: `info tlb`, `info mem` and `gva2gpa` of a guest
/// that never ran, whose memory holds the tables and whose control registers gdb has set.
private struct TranslationOracle {
  /// Virtual page → physical page.
  var pages: [UInt64: UInt64] = [:]
  /// Ranges and their permissions, as `info mem` prints them: `urw`.
  var ranges: [String] = []
  /// One for each probe; nil is unmapped.
  var probes: [UInt64?] = []

  static var isThere: Bool { Tool.exists("gdb") && Tool.exists("qemu-system-x86_64") }

  init(_ world: PageTableWorld, cr4: UInt64, efer: UInt64, probing addresses: [UInt64]) throws {
    let directory = try ScratchDirectory()
    try directory.write(world.view.copy(), to: "memory")
    // The numbers of QEMU's registers for gdb: 27 is CR0, 29 CR3, 30 CR4, 32 EFER.
    let registers: [(number: Int, value: UInt64)] = [
      (30, cr4), (32, efer), (29, world.root), (27, 0x8000_0011),
    ]
    let packets = registers.map { register in
      let value = little(register.value).map { hexByte($0) }.joined()
      return "maint packet P\(String(register.number, radix: 16))=\(value)"
    }
    let qemu =
      "exec qemu-system-x86_64 -S -nodefaults -display none -M pc -m 64 -cpu max -gdb stdio "
      + "-device loader,file=memory,addr=\(hex(world.start)),force-raw=on"
    let script =
      ["set confirm off", "target remote | \(qemu)"] + packets
      // Of 5-level tables `info mem` takes longer than gdb waits (QEMU 7.2).
      + ["monitor info tlb"] + (world.shape == .fiveLevel ? [] : ["monitor info mem"])
      + addresses.map { "monitor gva2gpa \(hex($0))" } + ["kill"]
    try directory.write(script.joined(separator: "\n") + "\n", to: "script")
    let text = try Tool.run(
      "gdb", "-q", "-nx", "-batch", "-x", "script", in: directory, mayFail: true)
    for line in text.split(whereSeparator: \.isNewline) { read(line) }
  }

  private mutating func read(_ line: Substring) {
    let words = line.split(separator: " ")
    if line == "Unmapped" { probes.append(nil) }
    guard words.count >= 2 else { return }
    if words[0] == "gpa:" {
      probes.append(UInt64(words[1].dropFirst(2), radix: 16))
    } else if words[0].hasSuffix(":"), let page = UInt64(words[0].dropLast(), radix: 16),
      let physical = UInt64(words[1], radix: 16)
    {
      // Of PAE's entries QEMU shows the NX bit, too.
      pages[page] = physical & ~(1 << 63)
    } else if words.count == 3, words[0].contains("-"), words[2].count == 3 {
      ranges.append("\(words[0]) \(words[2])")
    }
  }
}

private func hexByte(_ byte: UInt8) -> String {
  (byte < 16 ? "0" : "") + String(byte, radix: 16)
}

private func sixteenDigits(_ value: UInt64) -> String {
  let digits = String(value, radix: 16)
  return String(repeating: "0", count: 16 - digits.count) + digits
}

@Suite(.enabled(if: TranslationOracle.isThere), .serialized)
struct PageTableOracleTests {
  struct Mode: Sendable, CustomStringConvertible {
    let shape: PageTableWorld.Shape
    let mode: X86PagingMode
    let cr4: UInt64
    let efer: UInt64
    /// Where pages of each depth go, from the deepest level up, and their sizes' exponents.
    let regions: [(start: UInt64, depth: Int, shift: UInt64)]

    var description: String { mode.rawValue }
  }

  static let modes: [Mode] = [
    Mode(
      shape: .twoLevel, mode: .bits32PSE, cr4: 0x10, efer: 0,
      regions: [(0xc000_0000, 1, 12), (0x4000_0000, 0, 22)]),
    Mode(
      shape: .pae, mode: .pae, cr4: 0x20, efer: 0x800,
      regions: [(0xc000_0000, 2, 12), (0x4000_0000, 1, 21)]),
    Mode(
      shape: .fourLevel, mode: .fourLevel, cr4: 0x20, efer: 0x900,
      regions: [
        (0xffff_ffff_8000_0000, 3, 12), (0x7f00_0000_0000, 2, 21), (0xffff_8880_0000_0000, 1, 30),
      ]),
    Mode(
      shape: .fiveLevel, mode: .fiveLevel, cr4: 0x1020, efer: 0x900,
      regions: [
        (0xff11_0000_0000_0000, 4, 12), (0x00ab_0000_0000_0000, 3, 21),
        (0xffff_8880_0000_0000, 2, 30),
      ]),
  ]

  /// Random pages of every size; of some neighbours the tables above restrict the permissions.
  private func world(_ mode: Mode, _ random: inout RepeatableRandom) -> (PageTableWorld, [UInt64]) {
    var world = PageTableWorld(mode.shape)
    var probes: [UInt64] = []
    for region in mode.regions {
      for _ in 0..<24 {
        let size: UInt64 = 1 << region.shift
        let address = region.start + (random.next() % 24) * size
        let physicalBits: UInt64 = mode.shape == .twoLevel ? 32 : 38
        let physical = random.next() & (1 << physicalBits - 1) & ~(size - 1)
        var entry = physical | 1 | random.next() & 6 | (region.shift > 12 ? 0x80 : 0)
        if mode.shape != .twoLevel, random.next() & 1 == 0 { entry |= 1 << 63 }
        world.map(address, depth: region.depth, entry: entry)
        probes.append(address + random.next() % size)
        probes.append(region.start + random.next() % (32 * size))
      }
      guard region.depth > 1 else { continue }
      let above = world.entryAddress(for: region.start, depth: region.depth - 1)
      let flags = world.read(above, count: 1)[0]
      world.write([flags & (random.next() & 1 == 0 ? ~2 : ~4)], at: above)
    }
    probes += (0..<20).map { _ in mode.regions[0].start ^ (random.next() & 0x3fff_f000) }
    return (world, probes)
  }

  @Test(arguments: modes) func agreesWithQEMU(_ mode: Mode) throws {
    var random = RepeatableRandom(seed: 11)
    let (world, probes) = world(mode, &random)
    let oracle = try TranslationOracle(world, cr4: mode.cr4, efer: mode.efer, probing: probes)
    let tables = world.tables(mode.mode)
    let memory = world.memory
    var pages: [UInt64: UInt64] = [:]
    var ranges: [(start: UInt64, end: UInt64, permissions: String)] = []
    tables.forEachMapping(of: memory) { mapping in
      for offset in stride(from: 0, to: mapping.count, by: Int(mapping.pageSize)) {
        pages[mapping.virtual.rawValue + offset] = mapping.physical.rawValue + offset
      }
      let permissions =
        (mapping.permissions.contains(.user) ? "u" : "-") + "r"
        + (mapping.permissions.contains(.write) ? "w" : "-")
      let start = mapping.virtual.rawValue
      let end = start + mapping.count
      if let last = ranges.last, last.end == start, last.permissions == permissions {
        ranges[ranges.count - 1].end = end
      } else {
        ranges.append((start, end, permissions))
      }
    }
    #expect(pages.count > 20)
    #expect(pages == oracle.pages)
    if mode.shape != .fiveLevel {
      #expect(
        ranges.map { "\(sixteenDigits($0.start))-\(sixteenDigits($0.end)) \($0.permissions)" }
          == oracle.ranges)
    }
    let translated = probes.map { probe -> UInt64? in
      do throws(PageFault) {
        return try tables.translate(VirtualAddress(probe), in: memory).physical.rawValue
      } catch {
        return nil
      }
    }
    #expect(translated == oracle.probes)
    #expect(translated.contains(nil))
  }
}
