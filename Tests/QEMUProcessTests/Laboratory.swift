import Bytes
import Foundation
import HostSystem
import ObjectFiles
import QEMUProcess
import Targets
import Testing
import Unwinding

/// The laboratory's real cores, where they have been made.
enum Laboratory {
  struct Core: Sendable, CustomTestStringConvertible {
    let name: String
    let directory: String
    let core: String
    var testDescription: String { name }
  }

  static let root =
    ProcessInfo.processInfo.environment["VARVE_LAB"]
    ?? NSHomeDirectory() + "/.cache/varve-lab"

  private struct Manifest: Decodable {
    struct Subject: Decodable {
      let name: String
      let kind: String
      let directory: String
      let core: String?
      let truth: [String: String]
    }
    let subjects: [Subject]
  }

  /// The cores of QEMU processes for which it is known which coroutines they hold.
  static let cores: [Core] = {
    do {
      let data = try Data(contentsOf: URL(fileURLWithPath: root + "/manifest.json"))
      return try JSONDecoder().decode(Manifest.self, from: data).subjects.compactMap { subject in
        guard subject.kind == "qemu-core", let core = subject.core,
          subject.truth["coroutines"] != nil
        else { return nil }
        return Core(name: subject.name, directory: subject.directory, core: core)
      }
    } catch {
      // No laboratory on this machine: its tests have no arguments, and so don't run.
      return []
    }
  }()

  /// What the laboratory knows of a core's coroutines.
  struct Truth: Decodable {
    struct Coroutine: Decodable {
      let pointer: String
      let stack: String
      let stack_size: UInt64
      let entry_arg: String
      let caller: String
      let locks_held: UInt64
      let idle: Bool
    }
    let live: [Coroutine]
    let live_stack_count: Int

    static func of(_ core: Core) throws -> Truth {
      let data = try Data(contentsOf: URL(fileURLWithPath: core.directory + "/coroutines.json"))
      return try JSONDecoder().decode(Truth.self, from: data)
    }
  }
}

/// The number that `text`, `0x` and hexadecimal digits, stands for.
func address(_ text: String) -> VirtualAddress? {
  UInt64(text.dropFirst(2), radix: 16).map { VirtualAddress($0) }
}

extension HostProcess {
  /// The process in a core file, from nothing but that file.
  init(core path: String) throws {
    let core = try CoreFile(MappedFile.open(path).bytes)
    let files = core.mappedFiles
    func file(at address: VirtualAddress) -> String? {
      files.first { $0.start <= address && address < $0.end }?.path
    }
    var mappings = core.segments.map { segment in
      HostMapping(
        start: segment.address, end: segment.lastAddress &+ 1,
        isReadable: segment.permissions.contains(.read),
        isWritable: segment.permissions.contains(.write),
        isExecutable: segment.permissions.contains(.execute), path: file(at: segment.address))
    }
    for file in files where !core.segments.contains(where: { $0.contains(file.start) }) {
      mappings.append(
        HostMapping(
          start: file.start, end: file.end, isReadable: true, isWritable: false,
          isExecutable: true, path: file.path))
    }
    let regions = core.segments.map { segment in
      MemoryRegion(
        start: segment.address, count: segment.availableSize,
        contents: .dumped(
          core.image.bytes.clampedSubview(
            at: segment.fileOffset.rawValue, count: segment.availableSize)))
    }
    self.init(
      mappings: mappings,
      threads: core.threads.enumerated().map { index, record in
        let thread = TargetThread(number: index + 1, record: record)
        return HostThread(
          id: Int32(bitPattern: thread.lwp), registers: thread.registers,
          threadPointer: thread.threadPointer)
      }, memory: AddressSpace(layers: [regions]))
  }
}
