public import Bytes

/// What a debugger is shown: threads with registers, and memory. A server of the GDB remote protocol
/// needs no more.
///
/// What else a target can do, it says by conforming to one of the protocols below; a capability that
/// it lacks isn't offered to the client. Each call is made when the one before has returned, and none
/// but `resume` and `monitor` should take long: only those can be interrupted, by cancelling the task
/// that they run in.
public protocol DebuggableTarget: Sendable {
  /// The registers that its threads have and how the client is to understand them.
  var description: TargetDescription { get }

  /// The threads there are, at least one, in the order to be listed.
  func threads() async throws(RemoteError) -> [RemoteThread]

  /// The thread that a client looks at first, and why that isn't running.
  func currentStop() async throws(RemoteError) -> Stop

  /// The registers of `thread`; what isn't known stays unknown.
  func registers(of thread: ThreadID) async throws(RemoteError) -> RegisterValues

  /// The bytes at `address` as `thread` sees memory: as many of `count` as lie before the first one
  /// that can't be read. Throws `.memory` if that is the first.
  func readMemory(
    at address: VirtualAddress, count: Int, thread: ThreadID
  ) async throws(RemoteError) -> [UInt8]
}

/// A target whose registers and memory the client may change.
public protocol WritableTarget: DebuggableTarget {
  /// Replaces the registers that `values` knows.
  func writeRegisters(
    _ values: RegisterValues, of thread: ThreadID
  ) async throws(RemoteError)

  func writeMemory(
    at address: VirtualAddress, _ bytes: [UInt8], thread: ThreadID
  ) async throws(RemoteError)
}

/// A target that can run, forwards at least.
public protocol ResumableTarget: DebuggableTarget {
  /// The kinds of breakpoints that can be set. Clients may want to watch any number of bytes: `check`
  /// is asked.
  var breakpointKinds: Set<Breakpoint.Kind> { get }

  /// Whether it can run backwards.
  var canReverse: Bool { get }

  /// Whether `breakpoint` could be given to `resume`; throws if not. Nothing is to be remembered:
  /// clients remove their breakpoints at each stop and insert them again.
  func check(_ breakpoint: Breakpoint) async throws(RemoteError)

  /// Runs as `resumption` says until it is done or something stops it. It is interrupted by
  /// cancelling the task; the answer then is a stop for `.interrupted`, or whatever came first.
  /// Text given to `print` on the way is shown at once.
  func resume(
    _ resumption: Resumption, print: @escaping @Sendable (String) -> Void
  ) async throws(RemoteError) -> Stop
}

/// A target with commands of its own, which gdb users reach by `monitor`.
public protocol MonitoredTarget: DebuggableTarget {
  /// The commands there are; `help` is added to them.
  var monitorCommands: [MonitorCommand] { get }

  /// Does `request`, whose command is one of `monitorCommands`. Gives what is left to print; text
  /// given to `print` on the way is shown at once. Interrupted by cancelling the task.
  func monitor(
    _ request: MonitorRequest, print: @escaping @Sendable (String) -> Void
  ) async throws(RemoteError) -> String
}

/// A target that knows how its address space is divided.
public protocol MappedTarget: DebuggableTarget {
  /// The region that holds `address`: mapped, or the hole between two that are.
  func region(
    containing address: VirtualAddress, thread: ThreadID
  ) async throws(RemoteError) -> RemoteRegion
}

/// A target that has an answer to some of gdb's `qXfer` requests.
public protocol TransferringTarget: DebuggableTarget {
  /// The objects that it has.
  var transferObjects: Set<TransferObject> { get }

  /// All of `object`.
  func contents(of object: TransferObject) async throws(RemoteError) -> [UInt8]
}

/// A target that ends when the client says `kill`, rather than just being let go of.
public protocol KillableTarget: DebuggableTarget {
  func kill() async
}
