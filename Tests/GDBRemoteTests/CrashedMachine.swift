import Bytes
import GDBRemote

/// Two x86-64 threads that will never run again; the second has crashed. Only some of their registers
/// are known, and one page of their memory.
struct CrashedMachine: DebuggableTarget {
  let description = TargetDescription.x86_64()

  func threads() -> [RemoteThread] {
    [
      RemoteThread(id: .first, name: "waits", details: "in futex"),
      RemoteThread(id: ThreadID(index: 1), name: "crashed"),
    ]
  }

  func currentStop() -> Stop { Stop(.signal(11), thread: ThreadID(index: 1)) }

  func registers(of thread: ThreadID) -> RegisterValues {
    var values = RegisterValues(description)
    values["rip"] = thread == .first ? 0x1000 : 0x1100
    values["rsp"] = 0x1800
    values["rbx"] = UInt64(thread.rawValue)
    return values
  }

  func readMemory(
    at address: VirtualAddress, count: Int, thread: ThreadID
  ) throws(RemoteError) -> [UInt8] {
    guard (0x1000..<0x2000).contains(address.rawValue) else {
      throw .memory(address, reason: "left out of the dump")
    }
    return [UInt8](repeating: 0x90, count: min(count, Int(0x2000 - address.rawValue)))
  }
}
