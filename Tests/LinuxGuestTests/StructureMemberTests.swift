import Bytes
import Symbols
import Targets
import TestWorlds
import Testing

@testable import LinuxGuest

/// The tables of members' names, walked row by row.
@Suite struct StructureMemberTests {
  /// In a kernel that has a member under one of its names only, that one is found.
  private func walk<Member: StructureMember>(_ members: Member.Type) throws {
    for (index, member) in Member.allCases.enumerated() {
      #expect(member.rawValue == index)
      #expect(!member.names.isEmpty)
      for name in member.names {
        #expect(name.source.contains("–"), "\(Member.structure).\(name.path)")
        let layout = try StructureLayout<Member>(
          BTFTypes(Self.types(Member.structure, with: name.path)))
        let place = MemberPlace(offset: Self.offset(of: name.path), byteCount: 4)
        #expect(layout[member] == place, "\(Member.structure).\(name.path)")
        #expect(try layout.place(of: member) == place)
        for other in Member.allCases where other != member {
          guard !other.names.contains(where: { name.path.hasPrefix($0.path) }) else { continue }
          #expect(layout[other] == nil)
          #expect(throws: StructureError.self) { try layout.place(of: other) }
        }
      }
    }
  }

  /// Each level of a path lies 8 bytes into the one around it.
  private static func offset(of path: String) -> UInt64 {
    UInt64(8 * path.split(separator: ".").count)
  }

  private static func types(_ structure: String, with path: String) -> ByteView {
    var btf = BTFAssembler()
    var type = btf.integer("unsigned int", size: 4)
    var size: UInt32 = 4
    var names = path.split(separator: ".").map(String.init)
    while let name = names.popLast() {
      size += 8
      let outer = names.isEmpty ? String(structure.dropFirst("struct ".count)) : "inner\(size)"
      type = btf.record(outer, size: size, [(name, type, 64)])
    }
    return btf.view
  }

  @Test func everyNameOfEveryMemberIsFound() throws {
    try walk(TaskMember.self)
    try walk(SignalMember.self)
    try walk(PIDMember.self)
    try walk(NumberMember.self)
    try walk(KernelThreadMember.self)
    try walk(WorkerMember.self)
    try walk(WorkQueueMember.self)
    try walk(XArrayNodeMember.self)
    try walk(MemoryMember.self)
    try walk(MappingMember.self)
    try walk(SpecialMappingMember.self)
    try walk(CounterMember.self)
    try walk(MapleRangeMember.self)
    try walk(MapleGapRangeMember.self)
    try walk(FileMember.self)
    try walk(BackingFileMember.self)
    try walk(DentryMember.self)
    try walk(DentryOperationsMember.self)
    try walk(MountMember.self)
    try walk(InodeMember.self)
    try walk(SuperblockMember.self)
    try walk(FileSystemMember.self)
  }

  @Test func missingMemberTellsItsNames() throws {
    let layout = try StructureLayout<TaskMember>(
      BTFTypes(Self.types("struct task_struct", with: "pid")))
    #expect(
      throws: StructureError.symbols(
        .noMember(type: "struct task_struct", member: "__state or state"))
    ) { try layout.place(of: .state) }
  }
}
