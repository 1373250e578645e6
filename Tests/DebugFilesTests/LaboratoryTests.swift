import Bytes
import DebugFiles
import Foundation
import HostSystem
import ObjectFiles
import TestWorlds
import Testing

/// The laboratory's cores of QEMU and of small programs, if it has been built on this machine.
@Suite(.enabled(if: !Laboratory.cores.isEmpty)) struct LaboratoryTests {
  @Test(arguments: Laboratory.cores)
  func coresAsEUReadelfReadsThem(subject: Laboratory.Subject) throws {
    let input = try InputFile.open(subject.path)
    #expect(input.damage == nil)
    let core = try CoreFile(input.bytes)
    #expect(core.kind == .process)
    #expect(!core.threads.isEmpty && !core.segments.isEmpty && !core.mappedFiles.isEmpty)
    #expect(core.diagnostics.isEmpty != subject.isTruncated, "\(core.diagnostics)")
    #expect(core.segments.contains(where: \.isTruncated) == subject.isTruncated)
    guard input.compression == nil, !subject.isTruncated else { return }
    let scratch = try ScratchDirectory()
    let text = try Tool.run("eu-readelf", "-n", subject.path, in: scratch)
    let threads = text.components(separatedBy: "PRSTATUS\n").dropFirst()
    #expect(threads.count == core.threads.count)
    for (printed, thread) in zip(threads, core.threads) {
      #expect(printed.contains(" pid: \(thread.status.threadID),"))
      let rip = thread.registers[.rip].map { String($0, radix: 16) } ?? ""
      let line = printed.split(separator: "\n").first { $0.contains("rip:") }
      #expect(line?.hasSuffix(rip) == true)
    }
    #expect(text.contains("\n    \(core.mappedFiles.count) files:"))
  }

  /// Every module that the core tells about is found again, with the right evidence.
  @Test(arguments: Laboratory.cores.filter { !$0.isTruncated && $0.isSmall })
  func modulesOfSmallCores(subject: Laboratory.Subject) throws {
    let core = try CoreFile(MappedFile.open(subject.path).bytes)
    let finder = DebugFileFinder(DebugFilePlaces(debuginfod: .off))
    let memory = CoreMemory(core: core)
    for mapping in core.mappedFiles where mapping.fileOffset.rawValue == 0 {
      let id: BuildID?
      do throws(ObjectError) {
        id = try LoadedELFImage(at: mapping.start, memory: memory).buildID(in: memory)
      } catch {
        continue  // Not an ELF file, or its first page wasn't dumped.
      }
      let files = finder.find(ModuleIdentity(path: mapping.path, buildID: id))
      let binary = try #require(files.binary, "\(mapping.path): \(files.rejected)")
      if let id { #expect(binary.verification == .buildID(id)) }
      if let debugFile = files.debugFile {
        #expect(debugFile.image.section(named: ".debug_info") != nil)
      }
    }
  }

  /// Each of the laboratory's ways of putting debug information somewhere else.
  @Test(arguments: Laboratory.cores.filter { $0.executable != nil })
  func debugInformationElsewhere(subject: Laboratory.Subject) throws {
    let program = try #require(subject.executable)
    let id = try ELFImage(MappedFile.open(program).bytes).buildID
    let finder = DebugFileFinder(
      DebugFilePlaces(
        debugDirectories: subject.debugDirectory.map { [$0] } ?? [], debuginfod: .off))
    let files = finder.find(ModuleIdentity(path: program, buildID: id))
    switch subject.name {
    case "program-threads-dwz":
      #expect(files.alternateFile?.path.hasSuffix("/common.debug") == true)
    case "program-threads-debug-link":
      #expect(files.debugFile?.place == .debugLink)
    case "program-threads-build-id":
      let directory = try #require(subject.debugDirectory)
      #expect(files.debugFile?.place == .buildIDTree(directory: directory))
    case "program-threads-mini":
      #expect(try files.miniDebugInfo?.image.symbolTable() != nil)
      #expect(files.debugFile == nil)
    case "program-threads-stripped":
      #expect(files.debugFile == nil && files.miniDebugInfo == nil)
    default:
      #expect(files.binary != nil)
    }
  }
}

/// The laboratory's cores of processes.
enum Laboratory {
  typealias Subject = LaboratoryManifest.Subject

  static let cores = LaboratoryManifest.subjects.filter {
    ["qemu-core", "large-core", "program-core"].contains($0.kind)
  }
}

extension LaboratoryManifest.Subject {
  var isTruncated: Bool { name.contains("truncated") }
  var isSmall: Bool { name.hasPrefix("program-") }
}
