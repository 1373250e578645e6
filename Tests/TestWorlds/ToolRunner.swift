public import Foundation
internal import Glibc
internal import Synchronization

/// A directory of a test's own, removed with the object.
public final class ScratchDirectory: Sendable {
  public let path: String

  public init() throws {
    let url = FileManager.default.temporaryDirectory.appending(
      path: "varve-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
    Self.live.withLock { _ = $0.insert(url.path) }
    Self.removeAtExit
  }

  /// The directories there are; those of static variables outlive every test.
  private static let live = Mutex<Set<String>>([])

  private static let removeAtExit: Void = {
    atexit {
      ScratchDirectory.live.withLock { paths in
        for path in paths { ScratchDirectory.remove(path) }
      }
    }
    return ()
  }()

  private static func remove(_ path: String) {
    do {
      try FileManager.default.removeItem(atPath: path)
    } catch {
      print("\(path) remains: \(error)")
    }
  }

  deinit {
    Self.remove(path)
    let path = path
    Self.live.withLock { _ = $0.remove(path) }
  }

  /// The path of `name` in the directory.
  public func file(_ name: String) -> String { path + "/" + name }

  @discardableResult
  public func write(_ text: String, to name: String) throws -> String {
    try write(Array(text.utf8), to: name)
  }

  @discardableResult
  public func write(_ bytes: [UInt8], to name: String) throws -> String {
    try Data(bytes).write(to: URL(filePath: file(name)))
    return file(name)
  }

  public func read(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(filePath: file(name))))
  }
}

/// Why a tool that a test relies on was of no use.
public struct ToolFailure: Error, CustomStringConvertible {
  public let description: String

  public init(description: String) { self.description = description }
}

/// Runs other programs: compilers that make subjects, and tools whose answers are compared.
public enum Tool {
  /// Whether the program `name` is installed.
  public static func exists(_ name: String) -> Bool { path(of: name) != nil }

  public static func path(of name: String) -> String? {
    let directories = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    return directories.split(separator: ":").map { "\($0)/\(name)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// Runs `arguments` in `directory`; gives what it printed. Throws if it can't be run or, unless
  /// `mayFail`, if its status isn't 0.
  @discardableResult
  public static func run(
    _ arguments: String..., in directory: ScratchDirectory, input: String? = nil,
    environment: [String: String] = [:], mayFail: Bool = false
  ) throws -> String {
    guard let name = arguments.first, let path = path(of: name) else {
      throw ToolFailure(description: "\(arguments.first ?? "") isn't installed")
    }
    let process = Process()
    process.executableURL = URL(filePath: path)
    process.arguments = Array(arguments.dropFirst())
    process.currentDirectoryURL = URL(filePath: directory.path)
    process.environment = ProcessInfo.processInfo.environment
      .merging(["LC_ALL": "C", "DEBUGINFOD_URLS": ""]) { $1 }.merging(environment) { $1 }
    // Files rather than pipes: nothing blocks, however much is printed.
    let output = directory.file("output-\(UUID().uuidString)")
    try Data().write(to: URL(filePath: output))
    let handle = try FileHandle(forWritingTo: URL(filePath: output))
    process.standardOutput = handle
    process.standardError = handle
    if let input {
      process.standardInput = try FileHandle(
        forReadingFrom: URL(
          filePath: directory.write(input, to: "input-\(UUID().uuidString)")))
    } else {
      process.standardInput = FileHandle.nullDevice
    }
    try process.runWithSignals()
    process.waitUntilExit()
    try handle.close()
    let text = String(decoding: try Data(contentsOf: URL(filePath: output)), as: UTF8.self)
    try FileManager.default.removeItem(atPath: output)
    guard mayFail || process.terminationStatus == 0 else {
      throw ToolFailure(
        description: "\(arguments.joined(separator: " ")): \(process.terminationStatus)\n\(text)")
    }
    return text
  }
}

/// A program that runs while a test goes on, and ends with the object.
public final class RunningTool {
  private let process = Process()
  private let output = Pipe()
  private let input = Pipe()

  public var processID: Int32 { process.processIdentifier }

  public convenience init(
    _ arguments: String..., in directory: ScratchDirectory, errorsToo: Bool = false
  ) throws {
    try self.init(arguments, in: directory, errorsToo: errorsToo)
  }

  public init(
    _ arguments: [String], in directory: ScratchDirectory, errorsToo: Bool = false
  ) throws {
    guard let name = arguments.first,
      let path = name.contains("/") ? name : Tool.path(of: name)
    else { throw ToolFailure(description: "\(arguments.first ?? "") isn't installed") }
    process.executableURL = URL(filePath: path)
    process.arguments = Array(arguments.dropFirst())
    process.currentDirectoryURL = URL(filePath: directory.path)
    process.standardOutput = output
    process.standardInput = input
    process.standardError = errorsToo ? output : FileHandle.nullDevice
    try process.runWithSignals()
  }

  deinit {
    if process.isRunning { process.terminate() }
    process.waitUntilExit()
  }

  /// Ends the program's input and waits until the program has ended by itself.
  public func finish() throws {
    try input.fileHandleForWriting.close()
    process.waitUntilExit()
  }

  /// Sends `signal` to the program; gives what ended it: a signal, or its exit status.
  public func end(by signal: Int32) -> (signal: Int32?, status: Int32) {
    kill(process.processIdentifier, signal)
    return ending()
  }

  /// Stops reading the program's output and waits until the program has ended.
  public func hangUp() throws -> (signal: Int32?, status: Int32) {
    try output.fileHandleForReading.close()
    return ending()
  }

  private func ending() -> (signal: Int32?, status: Int32) {
    process.waitUntilExit()
    let status = process.terminationStatus
    return process.terminationReason == .uncaughtSignal ? (status, status) : (nil, status)
  }

  /// Waits for the program's next `count` bytes of output.
  public func read(_ count: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count,
      let more = try output.fileHandleForReading.read(upToCount: count - bytes.count), !more.isEmpty
    { bytes += more }
    return bytes
  }

  /// Waits for the program's next line of output.
  public func readLine() throws -> String {
    var line: [UInt8] = []
    while let byte = try output.fileHandleForReading.read(upToCount: 1)?.first {
      if byte == 0x0a { return String(decoding: line, as: UTF8.self) }
      line.append(byte)
    }
    throw ToolFailure(
      description: "ended after printing \"\(String(decoding: line, as: UTF8.self))\"")
  }
}

extension Process {
  /// Runs the program with no signal blocked. Tests run on threads that block almost all of them,
  /// and children inherit that: gdb would wait for ever for its SIGCHLD, and nothing could be
  /// terminated.
  public func runWithSignals() throws {
    var none = sigset_t()
    var before = sigset_t()
    // Safe: the sets outlive the calls, and only this thread's mask is changed.
    unsafe sigemptyset(&none)
    unsafe pthread_sigmask(SIG_SETMASK, &none, &before)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
    try run()
  }
}
