import Bytes
import DebugFiles
import Foundation
import HostSystem
import ObjectFiles
import TestWorlds
import Testing

@Suite struct DebugFileFinderTests {
  private func finder(_ directories: [String] = [], sysroot: String? = nil) -> DebugFileFinder {
    DebugFileFinder(
      DebugFilePlaces(sysroot: sysroot, debugDirectories: directories, debuginfod: .off))
  }

  private func find(
    _ subject: DebugSubject, _ finder: DebugFileFinder, id: BuildID? = nil
  ) -> ModuleFiles {
    finder.find(ModuleIdentity(path: subject.program, buildID: id))
  }

  @Test func mappedPathVerifiedByBuildID() throws {
    let subject = try DebugSubject()
    let files = find(subject, finder(), id: subject.id)
    #expect(files.binary?.path == subject.program)
    #expect(files.binary?.place == .mappedPath)
    #expect(files.binary?.verification == .buildID(subject.id))
    #expect(files.debugFile == nil)
    #expect(files.rejected.allSatisfy { $0.reason.isAbsence })
  }

  @Test func mappedPathNotVerifiedWithoutBuildID() throws {
    let subject = try DebugSubject()
    let files = find(subject, finder())
    guard case .notVerified = files.binary?.verification else {
      Issue.record("\(String(describing: files.binary))")
      return
    }
  }

  @Test func anotherBuildIsRejected() throws {
    let subject = try DebugSubject()
    let wanted = try #require(BuildID(hex: "00112233445566778899aabbccddeeff00112233"))
    let files = find(subject, finder(), id: wanted)
    #expect(files.binary == nil)
    #expect(
      files.rejected.first
        == RejectedFile(
          path: subject.program, place: .mappedPath,
          reason: .buildIDMismatch(wanted: wanted, found: subject.id)))
    #expect(files.rejected.first?.description.contains("wanted \(wanted)") == true)
  }

  @Test func deletedFilesNeedABuildID() throws {
    let subject = try DebugSubject()
    let deleted = subject.program + " (deleted)"
    let unknown = finder().find(ModuleIdentity(path: deleted, buildID: nil))
    #expect(unknown.binary == nil)
    #expect(unknown.rejected.map(\.reason) == [.deletedWhileMapped])
    let known = finder().find(ModuleIdentity(path: deleted, buildID: subject.id))
    #expect(known.binary?.path == subject.program)
  }

  @Test(arguments: ["[vdso]", "anon_inode:kvm", "/tmp/../etc/passwd", ""])
  func namesThatAreNoFiles(path: String) {
    let files = finder().find(ModuleIdentity(path: path, buildID: nil))
    #expect(files.binary == nil)
    #expect(files.rejected.map(\.reason) == [.notAFile])
  }

  @Test func devicesAreNotOpened() {
    let files = finder().find(ModuleIdentity(path: "/dev/zero", buildID: nil))
    #expect(
      files.rejected.map(\.reason)
        == [.unreadable(.notRegularFile(path: "/dev/zero", kind: "character device"))])
  }

  @Test func unstrippedBinaryIsItsOwnDebugFile() throws {
    let subject = try DebugSubject()
    let full = subject.scratch.file("full")
    let files = finder().find(ModuleIdentity(path: full, buildID: subject.id))
    #expect(files.debugFile?.path == full)
    #expect(files.debugFile?.place == .binaryItself)
  }

  @Test func buildIDTree() throws {
    let subject = try DebugSubject()
    let path = try subject.place(subject.debug, under: "debug")
    let directory = subject.scratch.file("debug")
    let files = find(subject, finder(["/no/such", directory]), id: subject.id)
    #expect(files.debugFile?.path == path)
    #expect(files.debugFile?.place == .buildIDTree(directory: directory))
    #expect(files.debugFile?.verification == .buildID(subject.id))
    #expect(files.rejected.count == 1)
    // The binary's own id serves if the one in memory is unknown.
    #expect(find(subject, finder([directory])).debugFile?.path == path)
  }

  @Test func wrongFileInTheTreeIsRejected() throws {
    let subject = try DebugSubject()
    let other = try DebugSubject(buildID: false)
    try subject.place(other.debug, under: "debug")
    let files = find(subject, finder([subject.scratch.file("debug")]), id: subject.id)
    #expect(files.debugFile == nil)
    #expect(files.rejected.contains { $0.reason == .noBuildID(wanted: subject.id) })
  }

  @Test func linkBackToTheBinaryIsNoDebugFile() throws {
    let subject = try DebugSubject()
    let path = try subject.place(subject.debug, under: "debug")
    try Tool.run("ln", "-sf", subject.program, path, in: subject.scratch)
    let files = find(subject, finder([subject.scratch.file("debug")]), id: subject.id)
    #expect(files.debugFile == nil)
    #expect(files.rejected.contains { $0.reason == .sameAsBinary })
  }

  @Test func binaryByBuildIDAlone() throws {
    let subject = try DebugSubject()
    let path = try subject.place(subject.program, under: "debug", suffix: "")
    let finder = finder([subject.scratch.file("debug")])
    let files = finder.find(ModuleIdentity(path: "/gone", buildID: subject.id))
    #expect(files.binary?.path == path)
    #expect(finder.find(ModuleIdentity(path: nil, buildID: subject.id)).binary?.path == path)
  }

  @Test func sysrootComesFirst() throws {
    let subject = try DebugSubject()
    let root = subject.scratch.file("root")
    try Tool.run(
      "sh", "-c", "mkdir -p root/usr/bin && cp bin/program root/usr/bin/thing",
      in: subject.scratch)
    let debug = try subject.place(subject.debug, under: "root/usr/lib/debug")
    let finder = finder(["/usr/lib/debug"], sysroot: root + "/")
    let files = finder.find(ModuleIdentity(path: "/usr/bin/thing", buildID: subject.id))
    #expect(files.binary?.path == root + "/usr/bin/thing")
    #expect(files.binary?.place == .sysroot(root: root + "/"))
    #expect(files.debugFile?.path == debug)
    // Without a build-id this machine's own files are no substitute.
    #expect(finder.find(ModuleIdentity(path: "/bin/sh", buildID: nil)).binary == nil)
    #expect(finder.find(ModuleIdentity(path: subject.program, buildID: subject.id)).binary != nil)
  }

  @Test(arguments: ["bin/program.debug", "bin/.debug/program.debug", "debug"], [true, false])
  func debugLink(place: String, hasID: Bool) throws {
    let subject = try DebugSubject(buildID: hasID)
    let directory = subject.scratch.file("debug")
    let target =
      place == "debug"
      ? directory + subject.scratch.path + "/bin/program.debug" : subject.scratch.file(place)
    try Tool.run(
      "sh", "-c", "mkdir -p $(dirname \(target)) && cp \(subject.debug) \(target)",
      in: subject.scratch)
    let files = find(subject, finder([directory]))
    #expect(files.debugFile?.path == target)
    #expect(files.debugFile?.place == .debugLink)
    let sum = try Tool.run(
      "python3", "-c",
      "import zlib; print(zlib.crc32(open('store/program.debug', 'rb').read()))",
      in: subject.scratch)
    #expect(
      files.debugFile?.verification
        == (hasID ? .buildID(subject.id) : .checksum(UInt32(sum.dropLast()) ?? 0)))
  }

  @Test func debugLinkWithTheWrongChecksum() throws {
    let subject = try DebugSubject(buildID: false)
    try Tool.run(
      "sh", "-c", "cp store/program.debug bin/ && printf x >> bin/program.debug",
      in: subject.scratch)
    let files = find(subject, finder())
    #expect(files.debugFile == nil)
    #expect(
      files.rejected.contains {
        if case .checksumMismatch = $0.reason { true } else { false }
      })
  }

  @Test(arguments: [true, false]) func alternateFile(byPath: Bool) throws {
    let subject = try DebugSubject()
    let shared = try DebugSubject()
    // A build of its own, with another id.
    try shared.scratch.write("int other;", to: "b.c")
    try Tool.run("gcc", "-g", "-shared", "b.c", "-o", "shared.so", in: shared.scratch)
    let alternate = shared.scratch.file("shared.so")
    let id = try #require(try ELFImage(MappedFile.open(alternate).bytes).buildID)
    let link = (byPath ? alternate : "../gone.so").utf8 + [0] + id.bytes
    try subject.scratch.write(Array(link), to: "link")
    try Tool.run(
      "objcopy", "--add-section", ".gnu_debugaltlink=link", subject.debug, subject.debug + "2",
      in: subject.scratch)
    try subject.place(subject.debug + "2", under: "debug")
    if !byPath { try subject.place(alternate, under: "debug", id: id) }
    let files = find(subject, finder([subject.scratch.file("debug")]), id: subject.id)
    #expect(files.debugFile != nil)
    #expect(files.alternateFile?.verification == .buildID(id))
    #expect((files.alternateFile?.path == alternate) == byPath)
    #expect(files.rejected.filter { $0.place == .alternateLink }.count == (byPath ? 0 : 1))
  }

  @Test func miniDebugInfo() throws {
    let subject = try DebugSubject()
    try Tool.run("cp", "full", "mini", in: subject.scratch)
    try Tool.run("xz", "mini", in: subject.scratch)
    try Tool.run(
      "objcopy", "--add-section", ".gnu_debugdata=mini.xz", "bin/program", in: subject.scratch)
    let files = find(subject, finder())
    let image = try #require(files.miniDebugInfo?.image)
    let table = try #require(try image.symbolTable())
    #expect(try table.contains { try table.name(of: $0) == "main" })
    #expect(files.miniDebugInfo?.place == .miniDebugInfo)

    try subject.scratch.write("not xz at all", to: "mini.xz")
    try Tool.run(
      "objcopy", "--update-section", ".gnu_debugdata=mini.xz", "bin/program",
      in: subject.scratch)
    let damaged = find(subject, finder())
    #expect(damaged.miniDebugInfo == nil)
    #expect(damaged.rejected.contains { $0.place == .miniDebugInfo })
  }

  @Test func filesGivenByName() throws {
    let subject = try DebugSubject()
    let module = ModuleIdentity(path: subject.program, buildID: subject.id)
    #expect(try finder().open(subject.debug, for: module).get().place == .given)
    #expect(throws: RejectedError.self) { try finder().open("/bin/sh", for: module).get() }
  }
}
