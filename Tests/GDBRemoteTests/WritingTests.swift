import Bytes
import GDBRemote
import Synchronization
import TestWorlds
import Testing

/// Changing registers and memory, of a target that allows it.
@Suite struct WritingTests {
  /// A thread with one page of memory.
  private final class Scratchpad: WritableTarget {
    let description = TargetDescription.x86_64()
    let state: Mutex<(registers: RegisterValues, memory: [UInt8])>

    init() {
      var registers = RegisterValues(description)
      registers["rax"] = 1
      registers["rip"] = 0x1000
      state = Mutex((registers, [UInt8](repeating: 0x90, count: 0x1000)))
    }

    func threads() -> [RemoteThread] { [RemoteThread(id: .first, name: "")] }

    func currentStop() -> Stop { Stop(.paused, thread: .first) }

    func registers(of thread: ThreadID) -> RegisterValues { state.withLock { $0.registers } }

    func readMemory(
      at address: VirtualAddress, count: Int, thread: ThreadID
    ) throws(RemoteError) -> [UInt8] {
      guard let offset = address.offset(from: VirtualAddress(0x1000)), offset < 0x1000 else {
        throw .memory(address, reason: "nothing is there")
      }
      return state.withLock { Array($0.memory.dropFirst(Int(offset)).prefix(count)) }
    }

    func writeRegisters(_ values: RegisterValues, of thread: ThreadID) {
      state.withLock { state in
        for number in description.registers.indices {
          if let bytes = values[number] { state.registers[number] = bytes }
        }
      }
    }

    func writeMemory(
      at address: VirtualAddress, _ bytes: [UInt8], thread: ThreadID
    ) throws(RemoteError) {
      guard let offset = address.offset(from: VirtualAddress(0x1000)),
        offset + UInt64(bytes.count) <= 0x1000
      else { throw .memory(address, reason: "nothing is there") }
      state.withLock {
        $0.memory.replaceSubrange(Int(offset)..<Int(offset) + bytes.count, with: bytes)
      }
    }
  }

  @Test func writesMemory() async {
    var client = await Conversation(Scratchpad())
    #expect(await client.ask("M1004,3:01027d") == "OK")
    // Binary contents are escaped on the way.
    #expect(await client.ask(Array("X1007,4:".utf8) + [0x7d, 0x23, 0x24, 0x2a]) == "OK")
    #expect(await client.ask("m1003,9") == "9001027d7d23242a90")
    #expect(await client.ask("X1000,0:") == "OK")
    #expect(await client.ask("M1fff,2:0000") == "E0e")
    for packet in ["M1000,2:000", "M1000,2:000000", "M1000,1:0g", "X1000,3:ab", "X1000,1"] {
      #expect(await client.ask(packet) == "E16")
    }
  }

  @Test func writesRegisters() async {
    let target = Scratchpad()
    var client = await Conversation(target)
    #expect(await client.ask("P0=0807060504030201") == "OK")
    #expect(await client.ask("P11=02020000;thread:1;") == "OK")
    #expect(target.registers(of: .first)["rax"] == 0x0102_0304_0506_0708)
    #expect(target.registers(of: .first)["eflags"] == 0x202)
    // rax stays as it is, rbx is set, and the rest isn't said.
    #expect(await client.ask("Gxxxxxxxxxxxxxxxx" + "ff00000000000000") == "OK")
    #expect(target.registers(of: .first)["rax"] == 0x0102_0304_0506_0708)
    #expect(target.registers(of: .first)["rbx"] == 0xff)
    #expect(target.registers(of: .first)["rcx"] == nil)
    for packet in ["P0=01", "P0=080706050403020g", "Gzz00000000000000", "P0=0807060504030201;"] {
      #expect(await client.ask(packet) == "E16")
    }
  }

  @Test(.enabled(if: Tool.exists("gdb"))) func gdbWrites() async throws {
    let directory = try ScratchDirectory()
    let target = Scratchpad()
    let machine = try ServedMachine(target, at: .unix(path: directory.file("gdb")))
    defer { machine.close() }
    let text = try await blocking {
      try Tool.run(
        "timeout", "60", "gdb", "-nx", "-batch", "-ex", "target remote \(directory.file("gdb"))",
        "-ex", "set var $rax = 0x1234", "-ex", "set var *(long *) 0x1008 = 0x7d242a23", "-ex",
        "print/x $rax", "-ex", "x/gx 0x1008", "-ex", "detach", in: directory)
    }
    #expect(text.contains("$1 = 0x1234\n0x1008:\t0x000000007d242a23\n"))
    #expect(target.registers(of: .first)["rax"] == 0x1234)
  }
}
