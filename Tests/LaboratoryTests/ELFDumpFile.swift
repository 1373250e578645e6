import TestWorlds
import Testing
import Varve

/// The PT_LOADs and notes of a machine's dump.
struct ELFDumpFile {
  let path: String
  let core: ELFDump

  init(_ path: String) throws {
    self.path = path
    core = try ELFDump(MappedFile.open(path).bytes)
  }

  /// The PT_LOADs.
  var loads: [ELFSegment] { core.segments.filter { $0.type == .load } }

  /// Physical address and sizes of each PT_LOAD.
  var map: [String] {
    loads.map { "\($0.physicalAddress) \($0.fileSize) \($0.memorySize)" }
  }

  /// The registers' notes, in order.
  var registers: [[UInt8]] {
    core.notes.filter { $0.owner == "CORE" || $0.owner == "QEMU" }.map { note in
      Array(note.owner.utf8) + note.descriptor.copy()
    }
  }

  /// Every byte of each of the PT_LOADs is the one that `other` has for that physical address.
  func expectContents(of other: ELFDumpFile, in directory: ScratchDirectory) throws {
    var commands: [String] = []
    for segment in loads {
      let holder = try #require(
        other.loads.first {
          $0.physicalAddress <= segment.physicalAddress
            && segment.physicalAddress.rawValue - $0.physicalAddress.rawValue < $0.fileSize
        }, "\(other.path) has no memory at \(segment.physicalAddress)")
      let skip = segment.physicalAddress.rawValue - holder.physicalAddress.rawValue
      #expect(segment.fileSize <= holder.fileSize - skip)
      commands.append(
        "cmp -n \(segment.fileSize) -i \(segment.fileOffset.rawValue):\(holder.fileOffset.rawValue + skip)"
          + " '\(path)' '\(other.path)'")
    }
    #expect(!commands.isEmpty)
    let text = try Tool.run(
      "bash", "-c", commands.joined(separator: " && ") + " 2>&1", in: directory, mayFail: true)
    #expect(text == "")
  }
}
