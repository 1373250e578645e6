import Bytes
import Foundation
import TestWorlds
import Testing

@testable import ObjectFiles

/// Real cores, compared with what readelf and eu-readelf say of them.
@Suite struct CoreFileTests {
  /// Made once for all tests.
  static let abort = Result { try CoreSubject.kernelCore("abort") }
  static let segv = Result { try CoreSubject.kernelCore("segv") }
  static let gdb = Result { try CoreSubject.gdbCore() }

  static func open(_ subject: Result<CoreSubject, any Error>) throws -> (CoreSubject, CoreFile) {
    let subject = try subject.get()
    return (subject, try CoreFile(ELFImageTests.load(subject.core)))
  }

  @Test(.enabled(if: CoreSubject.kernelWritesCores)) func abortedProcess() throws {
    let (subject, core) = try Self.open(Self.abort)
    #expect(core.diagnostics == [])
    #expect(core.kind == .process)
    #expect(core.machine == .x86_64)
    #expect(core.threads.count == 4)
    #expect(core.threads[0].status.threadID == subject.processID)
    #expect(core.threads[0].status.signal == 6)
    #expect(core.threads[0].status.currentSignal == 6)
    #expect(core.threads[0].signalInfo?.signal == 6)
    #expect(
      core.threads[0].signalInfo?.cause == .sent(processID: subject.processID, userID: getuid()))
    #expect(core.threads.dropFirst().allSatisfy { $0.signalInfo == nil })
    #expect(core.threads.allSatisfy { $0.floatingPoint?.count == 512 })
    #expect(core.threads.allSatisfy { ($0.extendedState?.count ?? 0) >= 576 })
    #expect(core.processInfo?.name == "subject")
    #expect(core.processInfo?.arguments == "\(subject.program) abort".prefix(79).description)
    #expect(core.processInfo?.processID == subject.processID)
    #expect(core.processInfo?.stateLetter == UInt8(ascii: "R"))
    #expect(core.mappedFiles.contains { $0.path == subject.program && $0.fileOffset.rawValue == 0 })
    #expect(core.auxiliaryValue(CoreAuxiliaryEntry.pageSize) == 4096)
  }

  @Test(.enabled(if: CoreSubject.kernelWritesCores)) func faultingProcess() throws {
    let (_, core) = try Self.open(Self.segv)
    let info = try #require(core.threads[0].signalInfo)
    #expect(info == CoreSignalInfo(signal: 11, code: 1, cause: .fault(VirtualAddress(0x1234))))
  }

  @Test(.enabled(if: Tool.exists("gdb"))) func gdbsCore() throws {
    let (subject, core) = try Self.open(Self.gdb)
    #expect(core.diagnostics == [])
    #expect(core.kind == .process)
    #expect(core.threads.count == 4)
    #expect(Set(core.threads.map(\.status.threadID)).count == 4)
    #expect(core.threads.contains { $0.status.threadID == subject.processID })
    #expect(core.threads.allSatisfy { $0.floatingPoint?.count == 512 && $0.signalInfo != nil })
    #expect(core.processInfo?.processID == subject.processID)
    #expect(core.mappedFiles.contains { $0.path == subject.program })
    #expect(core.auxiliaryValue(CoreAuxiliaryEntry.pageSize) == 4096)
  }

  @Test(arguments: ["abort", "segv", "gdb"])
  func registersAsEUReadelfPrintsThem(way: String) throws {
    if way == "gdb" ? !Tool.exists("gdb") : !CoreSubject.kernelWritesCores { return }
    let (subject, core) = try Self.open(["abort": Self.abort, "segv": Self.segv][way] ?? Self.gdb)
    let text = try Tool.run("eu-readelf", "-n", subject.core, in: subject.directory)
    let parts = text.components(separatedBy: "PRSTATUS\n").dropFirst()
    #expect(parts.count == core.threads.count)
    let names: [X86UserRegister: String] = [
      .originalRAX: "orig_rax", .fsBase: "fs.base", .gsBase: "gs.base",
    ]
    for (part, thread) in zip(parts, core.threads) {
      for register in X86UserRegister.allCases {
        let name = names[register] ?? "\(register)"
        #expect(
          Self.value(after: "\(name):", in: part) == thread.registers[register], "\(name)")
      }
      #expect(Self.value(after: "pid:", in: part) == UInt64(thread.status.threadID))
      #expect(Self.value(after: "ppid:", in: part) == UInt64(thread.status.parentID))
      #expect(Self.value(after: "pgrp:", in: part) == UInt64(thread.status.processGroup))
      #expect(Self.value(after: "sid:", in: part) == UInt64(thread.status.session))
      #expect(Self.value(after: "fpvalid:", in: part) == (thread.status.hasFloatingPoint ? 1 : 0))
    }
    for file in core.mappedFiles {
      let start = String(file.start.rawValue, radix: 16)
      let end = String(file.end.rawValue, radix: 16)
      let line = text.split(separator: "\n").first { $0.contains("\(start)-") }
      #expect(line?.contains("-\(end) ") == true && line?.hasSuffix(file.path) == true)
    }
  }

  @Test(arguments: ["abort", "gdb"]) func segmentsAsReadelfListsThem(way: String) throws {
    if way == "gdb" ? !Tool.exists("gdb") : !CoreSubject.kernelWritesCores { return }
    let (subject, core) = try Self.open(way == "gdb" ? Self.gdb : Self.abort)
    let listing = try Tool.run("readelf", "-lW", subject.core, in: subject.directory)
    let lines = ELFImageTests.words(listing).filter { $0.first == "LOAD" }
    #expect(lines.count == core.segments.count)
    for (line, segment) in zip(lines, core.segments) {
      #expect(ELFImageTests.number(line[1]) == segment.fileOffset.rawValue)
      #expect(ELFImageTests.number(line[2]) == segment.address.rawValue)
      #expect(ELFImageTests.number(line[4]) == segment.fileSize)
      #expect(ELFImageTests.number(line[5]) == segment.memorySize)
      #expect(segment.availableSize == segment.fileSize)
    }
    // What the program wrote is where it wrote it.
    let segment = try #require(core.segments.first { $0.contains(VirtualAddress(subject.pattern)) })
    let offset = subject.pattern - segment.address.rawValue + segment.fileOffset.rawValue
    #expect(
      try core.image.bytes.subview(at: offset, count: 8192).copy()
        == [UInt8](repeating: 0xa5, count: 8192))
  }

  @Test(.enabled(if: CoreSubject.kernelWritesCores)) func loadedImageInACore() throws {
    let (subject, core) = try Self.open(Self.abort)
    let memory = CoreMemory(core: core)
    let mapping = try #require(
      core.mappedFiles.first { $0.path == subject.program && $0.fileOffset.rawValue == 0 })
    let program = try ELFImage(ELFImageTests.load(subject.program))
    let loaded = try LoadedELFImage(at: mapping.start, memory: memory)
    #expect(loaded.segments == program.segments)
    #expect(loaded.bias == mapping.start.rawValue)
    // Kernels dump the first page of each file, and the build-id is in it.
    #expect(try loaded.buildID(in: memory) == program.buildID)
    #expect(
      core.auxiliaryValue(CoreAuxiliaryEntry.entry).map { VirtualAddress($0) }
        == loaded.loaded(program.header.entry))
    let dynamic = try #require(try loaded.dynamicSection(in: memory))
    #expect(dynamic.debugAddress != nil)
    let extent = try #require(loaded.extent)
    #expect(extent.lowerBound == mapping.start)

    // The vDSO is dumped whole and isn't relocated.
    let vdsoBase = try #require(core.auxiliaryValue(CoreAuxiliaryEntry.vdso))
    let vdso = try LoadedELFImage(at: VirtualAddress(vdsoBase), memory: memory)
    #expect(try vdso.dynamicSection(in: memory)?.soname() == "linux-vdso.so.1")
    let ehFrame = try #require(try vdso.ehFrameAddress(in: memory))
    #expect(try #require(vdso.extent).contains(ehFrame))
    #expect(throws: ObjectError.self) {
      try LoadedELFImage(at: VirtualAddress(0x1000), memory: memory)
    }
  }

  static func value(after name: String, in text: String) -> UInt64? {
    for line in text.split(separator: "\n") {
      let words = line.split(whereSeparator: { $0.isWhitespace || $0 == "," })
      guard let index = words.firstIndex(where: { $0 == name }), index + 1 < words.count else {
        continue
      }
      if let signed = Int64(words[index + 1]) { return UInt64(bitPattern: signed) }
      return ELFImageTests.number(words[index + 1])
    }
    return nil
  }
}
