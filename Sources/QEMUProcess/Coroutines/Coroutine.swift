public import Bytes
public import Unwinding

/// One of QEMU's coroutines as it was found in a process.
public struct Coroutine: Sendable, Identifiable {
  /// The address of its `struct Coroutine`: what QEMU's own gdb commands take.
  public let address: VirtualAddress
  public var id: VirtualAddress { address }
  public var state: CoroutineState
  /// The function that it runs, or ran last.
  public let entry: VirtualAddress
  /// That function's argument.
  public let argument: UInt64
  /// What it returns to when it yields: whoever entered it. Nil unless it is running or has entered
  /// another coroutine.
  public let caller: VirtualAddress?
  /// The chain of callers, from the nearest to the thread's own context, at which it ends unless
  /// it is broken.
  public var callers: [CoroutineCaller]
  public let stack: CoroutineStack
  /// Where its registers are saved while it doesn't run.
  public let jumpBuffer: VirtualAddress
  /// The registers to unwind from: the running thread's own, or those in the jump buffer.
  public var registers: RegisterState
  /// The `AioContext` that it was last entered in; nil if it never was, or if its place in the
  /// structure isn't known.
  public var context: AioContextReference?
  /// How many locks (`CoMutex`, `CoRwlock`) it counts itself as holding; nil if the counter's place
  /// isn't known.
  public let locksHeld: UInt64?
  /// What speaks for it, best first.
  public var evidence: [CoroutineEvidence]
  /// What speaks against it, or about it and isn't as it should be.
  public var doubts: [String]

  public init(
    address: VirtualAddress, state: CoroutineState, entry: VirtualAddress, argument: UInt64,
    caller: VirtualAddress?, callers: [CoroutineCaller] = [], stack: CoroutineStack,
    jumpBuffer: VirtualAddress, registers: RegisterState, context: AioContextReference? = nil,
    locksHeld: UInt64? = nil, evidence: [CoroutineEvidence] = [], doubts: [String] = []
  ) {
    self.address = address
    self.state = state
    self.entry = entry
    self.argument = argument
    self.caller = caller
    self.callers = callers
    self.stack = stack
    self.jumpBuffer = jumpBuffer
    self.registers = registers
    self.context = context
    self.locksHeld = locksHeld
    self.evidence = evidence
    self.doubts = doubts
  }
}

/// What a coroutine is doing.
public enum CoroutineState: Hashable, Sendable {
  /// The thread with this number is executing it.
  case running(thread: Int32)
  /// It has entered the coroutine at this address (nil if that one isn't known) and goes on when
  /// that one yields or ends.
  case entering(VirtualAddress?)
  /// Nobody runs it; whether it has yielded, has ended or was never entered isn't known.
  case inactive
  /// It has yielded and waits to be entered again.
  case suspended
  /// It has yielded, and the named function (if its name can be read) has asked an event loop or a
  /// timer to enter it.
  case scheduled(by: String?)
  /// It was never entered since it was made.
  case created
  /// Its function has returned, and no pool is known to hold it.
  case terminated
  /// Its function has returned, and it waits for reuse.
  case idle(in: CoroutinePool)

  /// It has, or for all that is known may have, a function to go on with: it isn't just kept for
  /// reuse.
  public var isLive: Bool {
    switch self {
    case .terminated, .idle: false
    case .running, .entering, .inactive, .suspended, .scheduled, .created: true
    }
  }
}

/// Where QEMU keeps ended coroutines for reuse.
public enum CoroutinePool: Hashable, Sendable {
  /// Shared by all threads: `release_pool`, since 9.0 `global_pool`.
  case global
  /// The thread's own: `alloc_pool`, since 9.0 `local_pool`.
  case local(thread: Int32)
}

/// One link of a chain of callers.
public struct CoroutineCaller: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    /// Another coroutine.
    case coroutine
    /// A thread's own context, which QEMU calls its leader; the thread's number if it is known.
    case threadContext(thread: Int32?)
    /// Neither: the link is damaged, or the chain runs in a circle.
    case broken
  }
  public let address: VirtualAddress
  public let kind: Kind
  /// The registers with which it goes on; nil if they can't be had.
  public let registers: RegisterState?

  public init(address: VirtualAddress, kind: Kind, registers: RegisterState?) {
    self.address = address
    self.kind = kind
    self.registers = registers
  }
}

/// One of QEMU's event loops.
public struct AioContextReference: Hashable, Sendable {
  public let address: VirtualAddress
  /// `main loop`, or the IOThread's name with its `iothread `; nil if it isn't known.
  public var name: String?
  /// The thread that runs the loop.
  public var homeThread: Int32?

  public init(address: VirtualAddress, name: String? = nil, homeThread: Int32? = nil) {
    self.address = address
    self.name = name
    self.homeThread = homeThread
  }
}

/// A reason to believe that a coroutine was found where it was found.
public enum CoroutineEvidence: Hashable, Sendable {
  /// `stack` and `stack_size` at this address describe a mapping.
  case stackReference(at: VirtualAddress)
  /// The jump buffer holds a stack pointer within the stack and a program counter within code.
  case jumpBuffer
  /// Below the saved stack pointer lies a return address from the function of the saved program
  /// counter, as the call of `siglongjmp` leaves it there.
  case switchOnStack
  /// Its own address lies on its stack, `distance` bytes from the stack's end.
  case selfOnStack(distance: UInt64)
  /// One of the saved registers holds its own address.
  case selfInJumpBuffer
  /// `co_queue_wakeup` is an empty queue, whose tail points at its own head.
  case emptyWakeupQueue
  /// `entry` points into code.
  case entryIsCode
  /// Its state follows from how its stack compares with the others'.
  case stackDepth
  /// This thread's stack pointer lies within the stack.
  case threadOnStack(Int32)
  /// The structure lies where other coroutines' do, relative to their stacks' words.
  case commonLayout(votes: Int, of: Int)
  /// This variable or list of QEMU's leads to it.
  case reachable(from: String)
}

extension CoroutineEvidence: CustomStringConvertible {
  public var description: String {
    switch self {
    case .stackReference(let address): "stack and stack_size at \(address) describe a mapping"
    case .jumpBuffer: "the jump buffer points into the stack and into code"
    case .switchOnStack: "the return address of the last switch lies below the saved stack pointer"
    case .selfOnStack(let distance): "its address lies \(distance) bytes below its stack's end"
    case .selfInJumpBuffer: "its address is among the saved registers"
    case .emptyWakeupQueue: "co_queue_wakeup points at itself"
    case .entryIsCode: "entry points into code"
    case .stackDepth: "its state follows from its stack's depth, compared with the others'"
    case .threadOnStack(let thread): "thread \(thread) is on its stack"
    case .commonLayout(let votes, let total): "\(votes) of \(total) have the same layout"
    case .reachable(let source): "reached from \(source)"
    }
  }
}

extension CoroutineState: CustomStringConvertible {
  public var description: String {
    switch self {
    case .running(let thread): "running in thread \(thread)"
    case .entering(let callee?): "has entered \(callee)"
    case .entering(nil): "has entered another"
    case .inactive: "inactive"
    case .suspended: "suspended"
    case .scheduled(let function?): "scheduled by \(function)"
    case .scheduled(nil): "scheduled"
    case .created: "created"
    case .terminated: "terminated"
    case .idle(let pool): "idle in \(pool)"
    }
  }
}
