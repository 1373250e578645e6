import Dispatch
import FuzzSupport
import Varve

/// The bytes as what a client of the GDB remote protocol sends: first as they are, then each line as the
/// contents of a packet with the right checksum, so that more than framing is reached.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRemote(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
  let bytes = unsafe copied(data, size).copy()
  let lines = bytes.split(separator: 10).prefix(64).flatMap { encodedPacket(Array($0)) }
  let done = DispatchSemaphore(value: 0)
  Task {
    await converse(bytes)
    await converse(encodedPacket("QStartNoAckMode") + lines)
    done.signal()
  }
  done.wait()
  return 0
}

/// Gives a session these bytes and does what it wants.
private func converse(_ bytes: [UInt8]) async {
  let target = FuzzTarget()
  var session = RemoteSession(target: target)
  var actions = await session.receive(bytes)[...]
  while let action = actions.popFirst() {
    switch action {
    case .start(let command):
      actions += await session.commandEnded(await target.perform(command) { _ in })
    case .send, .interrupt: break
    case .close: return
    }
  }
}
