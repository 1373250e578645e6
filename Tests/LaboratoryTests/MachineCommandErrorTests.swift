import Foundation
import TestWorlds
import Testing
import Varve

/// What `varve` does where it can't do what it was asked: one line that names what and where, and
/// exit status 1; 64 and the usage for command lines that can't be understood.
@Suite struct MachineCommandErrorTests {
  let directory: ScratchDirectory

  /// A machine of 1 MiB, no byte of which is zero.
  init() throws {
    directory = try ScratchDirectory()
    var core = VMCoreAssembler()
    core.note("VMCOREINFO", type: 0, Array("OSRELEASE=6.1\n".utf8))
    let bytes = (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 % 251 + 1) }
    core.loads = [.init(physical: 0, bytes: bytes)]
    try directory.write(core.bytes, to: "in")
    try directory.write(Array("hello\n".utf8), to: "text")
    try directory.write([], to: "empty")
    try Tool.run("mkdir", "dir", in: directory)
  }

  /// Runs `varve`, which is to fail with one line that has all of `words`.
  private func expectFailure(_ arguments: [String], _ words: String...) throws {
    let result = try Command.run(arguments, in: directory)
    #expect(result.status == 1, "\(arguments): \(result.text)")
    #expect(result.text.split(separator: "\n").count == 1, "\(arguments): \(result.text)")
    #expect(result.text.hasPrefix("varve: "), "\(arguments): \(result.text)")
    for word in words { #expect(result.text.contains(word), "\(arguments): \(result.text)") }
  }

  private func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
  }

  @Test func anExistingFileIsReplacedOnlyWhenForced() throws {
    try directory.write(Array("old".utf8), to: "out")
    for format in VMCoreFormat.allCases {
      try expectFailure(["vmcore", "in", "-o", "out", "--format", format.rawValue], "out: exists")
      #expect(try directory.read("out") == Array("old".utf8))
    }
    let forced = try Command.run(["vmcore", "in", "-o", "out", "--force"], in: directory)
    #expect(forced.status == 0, "\(forced.text)")
    #expect(try MachineDump(opening: directory.file("out")).machine.memory.segments.count == 1)
    let attributes = try FileManager.default.attributesOfItem(atPath: directory.file("out"))
    #expect(attributes[.posixPermissions] as? Int == 0o600)
    #expect(try names() == ["dir", "empty", "in", "out", "text"])
  }

  @Test func theInputIsNeverTheOutput() throws {
    let before = try directory.read("in")
    try Tool.run("ln", "-s", "in", "symbolic", in: directory)
    try Tool.run("ln", "in", "hard", in: directory)
    for name in ["in", "./in", "symbolic", "hard"] {
      try expectFailure(["vmcore", "in", "-o", name, "--force"], "\(name): is also the input")
      try expectFailure(["vmcore", "in@0", "-o", name, "--force"], name)
    }
    #expect(try directory.read("in") == before)
  }

  @Test func outputsThatCannotBeAreNamed() throws {
    let before = try names()
    for force in [[], ["--force"]] {
      try expectFailure(["vmcore", "in", "-o", "dir"] + force, "dir: is a directory")
      try expectFailure(["vmcore", "in", "-o", "no/such"] + force, "no/such: No such file")
      try expectFailure(["vmcore", "in", "-o", "/dev/full"] + force, "/dev/full: is a character")
      try expectFailure(["vmcore", "in", "-o", "text/out"] + force, "text/out: Not a directory")
    }
    #expect(try names() == before)
  }

  @Test func aPipeThatIsFullOrClosedEndsTheCommand() throws {
    for format in VMCoreFormat.allCases {
      let command = "'\(Command.path)' vmcore in -o - --format \(format.rawValue)"
      let text = try Tool.run(
        "bash", "-c",
        "\(command) 2>full >/dev/full; echo $?; \(command) 2>closed | true; echo ${PIPESTATUS[0]};"
          + " cat full closed", in: directory)
      let lines = text.split(separator: "\n")
      #expect(lines.count == 4 && lines.prefix(2) == ["1", "1"], "\(format): \(text)")
      #expect(text.contains("varve: standard output: No space left on device"))
      #expect(text.contains("varve: standard output: Broken pipe"))
    }
  }

  /// Whether a file system of a few pages can be made, in a namespace of its own.
  private static let mountsFileSystems: Bool = {
    do {
      try Tool.run("unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt", in: ScratchDirectory())
      return true
    } catch {
      return false
    }
  }()

  @Test(.enabled(if: mountsFileSystems, "needs root"))
  func aFullDiskLeavesNothingBehind() throws {
    for format in VMCoreFormat.allCases where format.pageCompression == nil {
      let text = try Tool.run(
        "unshare", "-m", "bash", "-c",
        "mount -t tmpfs -o size=256k none dir && '\(Command.path)' vmcore in -o dir/out"
          + " --format \(format.rawValue) 2>&1; echo status $?; ls -A dir", in: directory)
      #expect(
        text == "varve: dir/out: No space left on device (pwrite)\nstatus 1\n", "\(format): \(text)"
      )
    }
  }

  @Test func memoryThatIsNotThereIsNamed() throws {
    try expectFailure(
      ["vmcore", "in", "-o", "out", "--begin", "0x100000000"], "no memory from 0x100000000")
    try expectFailure(["regs", "in"], "in: it holds no registers")
    try expectFailure(["memory", "in", "--virt", "0", "16"], "in: there are no CPUs")
    try expectFailure(["memory", "in", "--phys", "0x100000", "16", "--binary"], "0x100000")
    try expectFailure(
      ["vmcore", "pid:99999999", "-o", "out"], "pid:99999999: no process runs under id 99999999")
    #expect(try names() == ["dir", "empty", "in", "text"])
  }

  @Test(arguments: [
    ("in@zz", "in@zz: No such file"), ("@0", "names no file"), ("in+0:0@0", "memory of no bytes"),
    ("missing@0", "missing: No such file"), ("in@0,in@0x1000", "both claim"),
    ("dir@0", "dir: is a directory"), ("empty@0", "empty: holds no memory"),
    ("in@0xffffffffffffffff", "in: holds no memory"), ("in@0,", "No such file"),
    ("in+0x7fffffffffffffff@0", "in: holds no memory"),
  ])
  func rawMemoryThatCannotBeIsNamed(_ input: String, _ words: String) throws {
    try expectFailure(["vmcore", input, "-o", "out"], words)
  }

  @Test func filesOfOtherKindsAreNamed() throws {
    for (name, words) in [
      ("text", "no format of machine dumps"), ("empty", "no format of machine dumps"),
      ("dir", "is a directory"), ("/bin/true", "not a core file"), ("missing", "No such file"),
      ("/dev/zero", "is a character device"),
    ] {
      try expectFailure(["vmcore", name, "-o", "out"], name, words)
      try expectFailure(["memory", name, "--phys", "0", "16"], name, words)
      try expectFailure(["memory", name, "--virt", "0", "16"], name, words)
      try expectFailure(["regs", name], name, words)
      try expectFailure(["info", name], name, words)
    }
    #expect(try names() == ["dir", "empty", "in", "text"])
  }

  @Test(.enabled(if: Laboratory.isThere)) func aProcessThatIsNoQEMUHasNoMachine() throws {
    let core = try #require(try LaboratoryManifest.subject("program-threads").core)
    try expectFailure(["vmcore", core, "-o", "out"], core, "no guest memory was found")
    try expectFailure(["memory", core, "--phys", "0", "16"], core, "no guest memory was found")
    try expectFailure(["regs", core], core, "no guest memory was found")
    #expect(try Command.run(["info", core], in: directory).status == 0)
  }

  @Test(arguments: [
    ["vmcore"], ["vmcore", "in"], ["vmcore", "in", "-o", "out", "--format", "lkcd"],
    ["vmcore", "in", "-o", "out", "--threads", "0"],
    ["vmcore", "in", "-o", "out", "--begin", "zz"],
    ["vmcore", "in", "-o", "out", "--length", "0"], ["vmcore", "in", "-o", "-", "--json"],
    ["vmcore", "in", "-o", "out", "--length", "16777216T"],
    ["vmcore", "in", "-o", "out", "--absent-as-zeros"],
    ["vmcore", "in", "-o", "out", "--ram", "garbage"],
    ["vmcore", "in", "-o", "out", "--ram", "0:0@0"], ["memory", "in", "16"],
    ["memory", "in", "--phys", "0"], ["memory", "in", "--phys", "0", "--virt", "0", "16"],
    ["memory", "in", "--phys", "0", "0"], ["memory", "in", "--phys", "0", "--cpu", "1", "16"],
    ["regs"], ["regs", "in", "--cpu", "x"], ["info"],
  ])
  func commandLinesThatMakeNoSenseAreRefused(_ arguments: [String]) throws {
    let result = try Command.run(arguments, in: directory)
    #expect(result.status == 64, "\(arguments): \(result.text)")
    #expect(try names() == ["dir", "empty", "in", "text"])
  }
}
