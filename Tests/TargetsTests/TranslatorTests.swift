import Bytes
import DebugFiles
import HostSystem
import ObjectFiles
import TestWorlds
import Testing
import Unwinding

@testable import Targets

/// QEMU's translator runs code that it makes: what the laboratory's cores hold of it.
@Suite struct TranslatorTests {
  typealias Subject = LaboratoryManifest.Subject

  /// Whole cores of QEMU processes; none on a machine without a laboratory.
  static let cores = LaboratoryManifest.subjects.filter { subject in
    subject.kind == "qemu-core" && subject.core?.hasSuffix("/core") == true
      && !subject.name.contains("truncated")
  }

  private static func process(_ subject: Subject) throws -> Process {
    let core = try #require(subject.core)
    let executable = try #require(subject.executable)
    // A QEMU of another Debian lies in a root of its own, with its libraries.
    let root = executable.part(before: "/usr/bin/")
    let places = DebugFilePlaces(
      sysroot: root, debuginfod: .off, givenFiles: [executable])
    return try Process(
      core: try CoreFile(MappedFile.open(core).bytes), finder: DebugFileFinder(places))
  }

  @Test(arguments: cores)
  func translatedCodeUnwindsToTheThreadsStart(_ subject: Subject) throws {
    let process = try Self.process(subject)
    let threads = process.threads.filter { thread in
      thread.registers[process.architecture.programCounter].map {
        process.module(containing: VirtualAddress($0))?.path == Module.generatedCodePath
      } ?? false
    }
    // The guest's load keeps one vCPU busy at least.
    #expect(!threads.isEmpty)
    for thread in threads {
      let trace = process.backtrace(from: thread.registers)
      #expect(trace.stop == .endOfStack(.returnAddressUndefined))
      #expect(trace.frames[1].evidence == .unwound(.registeredImage))
      let names = trace.frames.map { frame in
        process.module(containing: frame.lookupAddress)?.symbol(at: frame.lookupAddress)?
          .displayName
      }
      #expect(names.first == "code_gen_buffer")
      #expect(names.contains("cpu_exec"))
      #expect(!trace.frames.contains { $0.restsOnGuess })
    }
  }

  @Test(arguments: cores)
  func theSearchFindsWhatIsRegistered(_ subject: Subject) throws {
    let process = try Self.process(subject)
    let program = try #require(process.program)
    let descriptor = try #require(
      program.exports[JITInterface.symbolName]
        ?? program.contents.symbols?.symbol(named: JITInterface.symbolName)?.address)
    let interface = JITInterface(
      descriptor: program.loadedAddress(of: descriptor), in: process.memory)
    #expect(interface.damage == nil)
    let entry = try #require(interface.entries.first)
    // Of the data only the mapping that holds the image: unoptimised code is too slow for the rest.
    let mappings = process.mappings.filter {
      $0.protection?.contains(.execute) == true || $0.contains(entry.address)
    }
    let search = JITSearch(
      architecture: process.architecture, memory: process.memory, mappings: mappings,
      modules: process.modules)
    let problems = ProblemLog()
    let registered = search.registeredModules(problems)
    #expect(registered.count == 1)
    #expect(search.modulesInMemory(besides: []).map(\.range) == registered.map(\.range))
    #expect(problems.lines == [])
  }
}

extension String {
  /// What stands before `mark`; nil if that is nothing, or the mark isn't there.
  fileprivate func part(before mark: String) -> String? {
    guard let range = firstRange(of: mark), range.lowerBound > startIndex else { return nil }
    return String(self[..<range.lowerBound])
  }
}
