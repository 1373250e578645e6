import Foundation
import TestWorlds
import Testing
import Varve

/// A copy of a dump of QEMU's that lacks what a reader would like to have.
enum GuestDumpCopy {
  /// What is taken out.
  struct Losses: OptionSet, Sendable, CustomStringConvertible {
    let rawValue: Int

    /// Every VMCOREINFO text: the note's and those in the guest's memory.
    static let vmcoreInfo = Losses(rawValue: 1)
    /// The vCPUs' registers.
    static let registers = Losses(rawValue: 2)
    /// The image's BTF.
    static let types = Losses(rawValue: 4)

    var description: String {
      [(Self.vmcoreInfo, "no VMCOREINFO"), (.registers, "no registers"), (.types, "no BTF")]
        .filter { contains($0.0) }.map(\.1).joined(separator: ", ")
    }
  }

  /// Makes the copy `name`; gives its path.
  static func make(
    of dump: String, without losses: Losses, named name: String, in directory: ScratchDirectory
  ) throws -> String {
    let path = directory.file(name)
    try Tool.run("cp", "--sparse=always", dump, path, in: directory)
    let file = try FileHandle(forUpdating: URL(filePath: path))
    defer { file.closeFile() }
    // First, as long as the kernel is found by what is taken later.
    if losses.contains(.types) { try takeTypes(from: file, dump) }
    if losses.contains(.registers) { try takeRegisters(from: file, ELFDumpFile(path)) }
    if losses.contains(.vmcoreInfo) { try takeVMCoreInfo(from: file, path, in: directory) }
    return path
  }

  /// The notes stay in their places, with owners that nobody knows.
  private static func takeRegisters(from file: FileHandle, _ dump: ELFDumpFile) throws {
    let segment = try #require(dump.core.segments.first { $0.type == .note })
    let start = segment.fileOffset.rawValue
    try file.seek(toOffset: start)
    var notes = try [UInt8](#require(try file.read(upToCount: Int(segment.fileSize))))
    var place = 0
    var count = 0
    // Each is u32 namesz, descsz and type, name and descriptor, both padded to 4 bytes (elf(5)).
    while place + 12 <= notes.count {
      let sizes = [place, place + 4].map { at in
        Int(notes[at..<at + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
      }
      let owner = String(decoding: notes[(place + 12)..<(place + 12 + sizes[0] - 1)], as: UTF8.self)
      if owner == "CORE" || owner == "QEMU" {
        notes[place + 12] = UInt8(ascii: "?")
        count += 1
      }
      place += 12 + (sizes[0] + 3) & ~3 + (sizes[1] + 3) & ~3
    }
    #expect(count >= 2, "CORE and QEMU notes of each vCPU")
    try file.seek(toOffset: start)
    try file.write(contentsOf: notes)
  }

  private static func takeTypes(from file: FileHandle, _ dump: String) throws {
    let kernel = try MachineSource(opening: dump).linuxKernel()
    let start = try #require(kernel.symbols.symbol(named: "__start_BTF")?.address)
    let stop = try #require(kernel.symbols.symbol(named: "__stop_BTF")?.address)
    try #require(start + 1 << 20 < stop && stop < start + 64 << 20)
    // The image lies in one piece.
    let place = try kernel.memory.translate(VirtualAddress(start)).physical
    let segment = try #require(
      try ELFDumpFile(dump).loads.first {
        $0.physicalAddress <= place
          && place.rawValue - $0.physicalAddress.rawValue < $0.fileSize
      })
    let offset = place.rawValue - segment.physicalAddress.rawValue
    try file.seek(toOffset: segment.fileOffset.rawValue + offset)
    try file.write(contentsOf: Data(count: Int(stop - start)))
  }

  private static func takeVMCoreInfo(
    from file: FileHandle, _ path: String, in directory: ScratchDirectory
  ) throws {
    let found = try Tool.run("grep", "-abo", "-F", "OSRELEASE=", path, in: directory)
    let places = found.split(separator: "\n").compactMap {
      $0.split(separator: ":").first.flatMap { UInt64($0) }
    }
    #expect(places.count >= 2, "the note, and the guest's own")
    for place in places {
      try file.seek(toOffset: place)
      let text = try #require(try file.read(upToCount: 8192))
      try file.seek(toOffset: place)
      try file.write(contentsOf: Data(count: text.prefix { $0 != 0 }.count))
    }
  }
}
