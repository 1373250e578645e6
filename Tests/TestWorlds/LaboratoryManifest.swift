internal import Foundation

/// What the laboratory (`Lab/`) has made, as its manifest lists it.
public enum LaboratoryManifest {
  /// One subject: a dump with the truth about it, or something that dumps are made with.
  public struct Subject: Decodable, Sendable, CustomStringConvertible {
    public let name: String
    /// "binary", "guest", "qemu-core", "large-core", "program-core", "machine-core", …
    public let kind: String
    public let directory: String
    /// The file that a user of the subject wants.
    public let path: String
    public let core: String?
    /// The program that was dumped.
    public let executable: String?
    /// The directory that its separate debug file is in.
    public let debugDirectory: String?
    /// The root that its libraries are below.
    public let sysroot: String?
    /// The program hasn't any symbols.
    public let stripped: Bool?
    public let coroutineBackend: String?
    /// The subject that this one was cut or packed from.
    public let variantOf: String?
    /// Of a virtual machine: `pc`, `q35`, `microvm`.
    public let machine: String?
    /// Of a virtual machine: bytes of RAM at its start.
    public let memory: UInt64?
    public let vcpus: Int?
    /// What runs in it: `linux`, `real`, `protected`, `firmware`.
    public let guest: String?
    /// In which mode the guest's CPUs are: `real`, `protected`, `long`.
    public let mode: String?
    /// Whether QEMU's own dump has a VMCOREINFO note.
    public let vmcoreinfoNote: Bool?
    /// The memory backend's file, kept beside the core.
    public let ramFile: String?
    /// The RAM block that the core leaves out.
    public let excludedBlock: String?
    /// Of a kernel's guest: which kernel, as the laboratory names it (`6.1-cloud`).
    public let kernel: String?
    /// Of a kernel's guest: what it does at the pause (`idle`, `busy`, `panic`, `threads`).
    public let scenario: String?
    /// Of a kernel's guest: where the kernel's debug information is if it has been made.
    public let vmlinux: String?
    /// What other tools said: file names by what they hold.
    public let truth: [String: String]

    /// How tests name it.
    public var description: String { name }

    /// What another tool said, or nil if it wasn't asked.
    public func answer(_ key: String) throws -> String? {
      guard let path = truth[key] else { return nil }
      return String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    }
  }

  private struct Manifest: Decodable {
    let subjects: [Subject]
  }

  /// The laboratory's cache directory.
  public static let root =
    ProcessInfo.processInfo.environment["VARVE_LAB"] ?? NSHomeDirectory() + "/.cache/varve-lab"

  /// Whether every subject is to be tested; else a few of each sort are.
  public static let isEverythingWanted =
    ProcessInfo.processInfo.environment["VARVE_LAB_ALL"] != nil

  private static let manifest: Result<[Subject], any Error> = Result {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let path = URL(fileURLWithPath: root + "/manifest.json")
    return try decoder.decode(Manifest.self, from: Data(contentsOf: path)).subjects
  }

  /// Every subject; none without a laboratory, which `problem` reports.
  public static var subjects: [Subject] {
    switch manifest {
    case .success(let subjects): subjects
    case .failure: []
    }
  }

  /// Why there is no laboratory; nil if there is one.
  public static var problem: String? {
    switch manifest {
    case .success: nil
    case .failure(let error): "\(error)"
    }
  }

  /// The subject `name`. Throws if it hasn't been made.
  public static func subject(_ name: String) throws -> Subject {
    guard let subject = subjects.first(where: { $0.name == name }) else {
      throw ToolFailure(description: "the laboratory has no \(name): run make lab")
    }
    return subject
  }
}
