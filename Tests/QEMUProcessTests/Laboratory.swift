import Bytes
import DebugFiles
import Foundation
import HostSystem
import ObjectFiles
import QEMUProcess
import Synchronization
import Targets
import TestWorlds
import Testing
import Unwinding

/// The laboratory's real cores, where they have been made.
enum Laboratory {
  struct Core: Sendable, CustomTestStringConvertible {
    let name: String
    let directory: String
    let core: String
    /// The program that was dumped.
    let executable: String?
    let isStripped: Bool
    let backend: String?
    /// The core holds all that was to be dumped.
    let isWhole: Bool
    let truth: [String: String]
    var testDescription: String { name }
  }

  /// The files use the other style of names.
  fileprivate static var decoder: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return decoder
  }

  /// Every core is tested if `VARVE_LAB_ALL` is set, else one of each sort.
  private static let isEverythingWanted =
    ProcessInfo.processInfo.environment["VARVE_LAB_ALL"] != nil
  private static let few = [
    "core-ucontext-gcore", "core-sigaltstack-abort", "core-stripped-10-abort",
  ]

  /// The cores of QEMU processes for which it is known which coroutines they hold.
  static let cores: [Core] = LaboratoryManifest.subjects.compactMap { subject in
    guard subject.kind == "qemu-core", let core = subject.core, !core.hasSuffix(".zst"),
      subject.truth["coroutines"] != nil, isEverythingWanted || few.contains(subject.name)
    else { return nil }
    return Core(
      name: subject.name, directory: subject.directory, core: core,
      executable: subject.executable, isStripped: subject.stripped ?? false,
      backend: subject.coroutineBackend, isWhole: !subject.name.contains("truncated"),
      truth: subject.truth)
  }

  /// What the laboratory knows of a core's coroutines.
  struct Truth: Decodable {
    struct Known: Decodable {
      let pointer: String
      let stack: String
      let stackSize: UInt64
      let entryArg: String
      let caller: String
      let locksHeld: UInt64
      let idle: Bool
    }
    let live: [Known]?
    let pointersSeen: [String]
    let liveStackCount: Int

    static func of(_ core: Core) throws -> Truth {
      let data = try Data(contentsOf: URL(fileURLWithPath: core.truth["coroutines"] ?? ""))
      return try Laboratory.decoder.decode(Truth.self, from: data)
    }
  }
}

/// The number that `text`, `0x` and hexadecimal digits, stands for.
func address(_ text: String) -> VirtualAddress? {
  UInt64(text.dropFirst(2), radix: 16).map { VirtualAddress($0) }
}

extension Laboratory.Core {
  /// A core's process and what an inspection found, made once for all tests.
  struct Inspected: Sendable {
    let target: Targets.Process
    let inspection: QEMUInspection
  }

  private static let inspected = Mutex<[String: Inspected]>([:])

  func inspected() throws -> Inspected {
    if let known = Self.inspected.withLock({ $0[name] }) { return known }
    let target = try process()
    let made = Inspected(target: target, inspection: QEMUInspection(target))
    Self.inspected.withLock { $0[name] = made }
    return made
  }

  /// The process in the core.
  func process() throws -> Targets.Process {
    let places = DebugFilePlaces(
      debugDirectories: [], debuginfod: .off, givenFiles: [executable].compactMap { $0 })
    return try Targets.Process(
      core: CoreFile(MappedFile.open(core).bytes), finder: DebugFileFinder(places))
  }
}
