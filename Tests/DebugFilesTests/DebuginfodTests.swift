import Bytes
import Foundation
import HostSystem
import ObjectFiles
import Synchronization
import TestWorlds
import Testing

@testable import DebugFiles

/// A real libdebuginfod against a web server of this test's own. Serialized: the library reads the
/// environment.
@Suite(.serialized, .enabled(if: DebuginfodLibrary.shared != nil && Tool.exists("python3")))
struct DebuginfodTests {
  /// A server for the files below `www` of the subject's directory.
  private struct Server {
    let tool: RunningTool
    let url: String

    init(_ subject: DebugSubject) throws {
      try Tool.run("mkdir", "-p", "www/buildid/\(subject.id)", "cache", in: subject.scratch)
      tool = try RunningTool(
        "python3", "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory",
        subject.scratch.file("www"), in: subject.scratch)
      // "Serving HTTP on 127.0.0.1 port 40107 (http://127.0.0.1:40107/) ..."
      let line = try tool.readLine()
      let words = line.split(separator: " ")
      let port = words.firstIndex(of: "port").flatMap { Int(words[$0 + 1]) }
      url = "http://127.0.0.1:\(try #require(port, "\(line)"))"
      Host.setEnvironment("DEBUGINFOD_CACHE_PATH", to: subject.scratch.file("cache"))
    }
  }

  private func places(_ servers: [String]) -> DebugFilePlaces {
    DebugFilePlaces(debugDirectories: [], debuginfod: .servers(servers))
  }

  @Test func downloadsAndVerifies() throws {
    let subject = try DebugSubject()
    let server = try Server(subject)
    try Tool.run("cp", subject.debug, "www/buildid/\(subject.id)/debuginfo", in: subject.scratch)
    try Tool.run(
      "cp", subject.program, "www/buildid/\(subject.id)/executable", in: subject.scratch)
    let seen = Mutex<[DebuginfodProgress]>([])
    let finder = DebugFileFinder(places([server.url])) { progress in
      seen.withLock { $0.append(progress) }
      return true
    }
    let module = ModuleIdentity(path: "/gone/program", buildID: subject.id)
    let files = finder.find(module)
    #expect(files.binary?.verification == .buildID(subject.id))
    #expect(files.debugFile?.verification == .buildID(subject.id))
    guard case .debuginfod(let url) = files.debugFile?.place else {
      Issue.record("\(files.rejected)")
      return
    }
    #expect(url.hasPrefix(server.url))
    let original = try MappedFile.open(subject.debug)
    #expect(files.debugFile?.image.bytes.copy() == original.bytes.copy())
    #expect(files.debugFile?.path.hasPrefix(subject.scratch.file("cache")) == true)
    #expect(seen.withLock { $0.allSatisfy { $0.buildID == subject.id } })

    // The cache answers once the server has gone.
    _ = consume server
    #expect(DebugFileFinder(places(["http://127.0.0.1:1"])).find(module).debugFile != nil)
  }

  @Test func wrongFileFromTheServerIsRejected() throws {
    let subject = try DebugSubject()
    let server = try Server(subject)
    try Tool.run("cp", "/bin/sh", "www/buildid/\(subject.id)/debuginfo", in: subject.scratch)
    let files = DebugFileFinder(places([server.url]))
      .find(ModuleIdentity(path: subject.program, buildID: subject.id))
    #expect(files.binary?.path == subject.program)
    #expect(files.debugFile == nil)
    #expect(
      files.rejected.contains {
        if case .buildIDMismatch(subject.id, _) = $0.reason { true } else { false }
      })
  }

  @Test func unknownBuildsAndDeadServers() throws {
    let subject = try DebugSubject()
    let server = try Server(subject)
    let module = ModuleIdentity(path: subject.program, buildID: subject.id)
    let missing = DebugFileFinder(places([server.url])).find(module)
    #expect(missing.debugFile == nil)
    #expect(missing.rejected.last?.reason == .debuginfod(message: "no server has it"))

    let other = try #require(BuildID(hex: "00112233445566778899aabbccddeeff00112233"))
    let dead = DebugFileFinder(places(["http://127.0.0.1:1"]))
      .find(ModuleIdentity(path: nil, buildID: other))
    guard case .debuginfod = dead.rejected.last?.reason else {
      Issue.record("\(dead.rejected)")
      return
    }
  }

  @Test func otherURLsAreRefused() throws {
    let subject = try DebugSubject()
    let files = DebugFileFinder(places(["ftp://127.0.0.1/"]))
      .find(ModuleIdentity(path: subject.program, buildID: subject.id))
    #expect(
      files.rejected.last?.reason
        == .debuginfod(message: "ftp://127.0.0.1/ is no http, https or file URL"))
  }

  @Test func nobodyIsAskedUnlessTold() throws {
    let subject = try DebugSubject()
    let finder = DebugFileFinder(DebugFilePlaces(debugDirectories: [], debuginfod: .off))
    let files = finder.find(ModuleIdentity(path: subject.program, buildID: subject.id))
    #expect(
      !files.rejected.contains {
        if case .debuginfod = $0.place { true } else { false }
      })
    #expect(DebuginfodLibrary.load("libno-such-library.so.1") == nil)
  }
}
