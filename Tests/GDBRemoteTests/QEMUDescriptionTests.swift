import GDBRemote
import HostSystem
import TestWorlds
import Testing

/// Descriptions held against those of QEMU's own server, whose contents are to be passed on unchanged.
@Suite struct QEMUDescriptionTests {
  private let directory: ScratchDirectory

  init() throws { directory = try ScratchDirectory() }

  /// What QEMU's server answers, unescaped.
  private func ask(_ socket: LocalSocket, _ text: String) throws -> String {
    var decoder = PacketDecoder(from: .server, limit: 1 << 16)
    try socket.send(encodedPacket(text))
    while let bytes = try socket.receive(before: .now + .seconds(60)), !bytes.isEmpty {
      for case .packet(let contents) in decoder.receive(bytes) {
        try socket.send([UInt8(ascii: "+")])
        return String(decoding: contents, as: UTF8.self)
      }
    }
    throw ToolFailure(description: "QEMU has gone")
  }

  /// An emulator, its machine and what it calls its description.
  private struct Emulator: Sendable {
    let program: String
    let options: [String]
    let annex: String
    let description: TargetDescription
  }

  private static let emulators = [
    Emulator(
      program: "qemu-system-x86_64", options: ["-M", "pc"], annex: "i386-64bit.xml",
      description: .x86_64()),
    Emulator(
      program: "qemu-system-aarch64", options: ["-M", "virt", "-cpu", "cortex-a53"],
      annex: "aarch64-core.xml", description: .aarch64()),
  ]

  @Test(arguments: emulators.map(\.program).filter(Tool.exists))
  func registersAreQEMUs(_ program: String) async throws {
    let emulator = try #require(Self.emulators.first { $0.program == program })
    let directory = directory
    let (xml, registers) = try await blocking {
      let qemu = try RunningTool(
        [
          program, "-S", "-display", "none", "-nic", "none", "-qmp", "stdio", "-chardev",
          "socket,id=gdb,path=gdb,server=on,wait=off", "-gdb", "chardev:gdb",
        ] + emulator.options, in: directory)
      // Its sockets are there before its greeting.
      _ = try qemu.readLine()
      let socket = try LocalSocket(connectingTo: directory.file("gdb"), timeout: .seconds(60))
      _ = try ask(socket, "qSupported:xmlRegisters=i386")
      _ = try ask(socket, "qXfer:features:read:target.xml:0,ffb")
      var xml = ""
      var part = "m"
      while part.hasPrefix("m") {
        part = try ask(
          socket, "qXfer:features:read:\(emulator.annex):\(String(xml.utf8.count, radix: 16)),7f0")
        xml += part.dropFirst()
      }
      return (xml, try ask(socket, "g"))
    }
    #expect(registers.count == 2 * emulator.description.size)
    #expect(try Self.registers(in: xml) == Self.registers(in: emulator.description.xml))
  }

  /// The names and sizes of the registers in an XML description, without those in comments.
  private static func registers(in xml: String) throws -> [String] {
    let name = try Regex(#"name="([^"]*)""#)
    let size = try Regex(#"bitsize="([^"]*)""#)
    let comment = try Regex("(?s)<!--.*?-->")
    return xml.replacing(comment, with: "").split(separator: "<")
      .filter { $0.hasPrefix("reg ") }
      .map { part in
        let found = [name, size].map { part.firstMatch(of: $0)?.output[1].substring ?? "" }
        return found.joined(separator: " ")
      }
  }
}
