public import Bytes
public import HostSystem
public import ObjectFiles
public import Unwinding

/// A thread that a core gets in addition to those that it has.
public struct AddedThread: Hashable, Sendable {
  /// The thread id that debuggers will show.
  public let id: Int32
  /// What isn't known stands as 0 in the file: the format has no way to say so.
  public let registers: RegisterState
  /// Where thread-local variables are looked for; nil for nowhere.
  public let threadPointer: VirtualAddress?

  public init(id: Int32, registers: RegisterState, threadPointer: VirtualAddress?) {
    self.id = id
    self.registers = registers
    self.threadPointer = threadPointer
  }
}

/// A copy of a core with more threads, so that any debugger shows stacks that the kernel knew
/// nothing of. The input stays as it is.
public struct AugmentedCore: Sendable {
  private let core: CoreFile
  private let writer: ELFCoreWriter

  /// Throws `.unsupported` for a CPU whose notes can't be written.
  public init(_ core: CoreFile, adding threads: [AddedThread]) throws(ObjectError) {
    var writer = ELFCoreWriter(machine: core.machine)
    writer.flags = core.image.header.flags
    writer.osABI = core.image.header.osABI
    for note in core.notes { writer.addNote(note) }
    for thread in threads {
      var status = CoreThreadStatus(threadID: thread.id)
      if let process = core.processInfo { status.parentID = process.processID }
      try writer.addThread(status, try Self.registers(of: thread, in: core))
    }
    for segment in core.segments { writer.addSegment(CoreOutputSegment(copying: segment)) }
    self.core = core
    self.writer = writer
  }

  /// The kernel's form of `thread`'s registers. Segment registers and flags are those of a thread of
  /// the same process: debuggers tell 64-bit code by them.
  private static func registers(
    of thread: AddedThread, in core: CoreFile
  ) throws(ObjectError) -> CoreRegisters {
    guard core.machine == .x86_64, var registers = core.threads.first?.registers else {
      throw .unsupported(reason: "threads can be added to cores of x86-64 processes only")
    }
    for (number, register) in RegisterState.x86Order.enumerated() {
      registers[register] = thread.registers[RegisterNumber(UInt16(number))] ?? 0
    }
    // Not in a system call, or debuggers would take it for one to be restarted.
    registers[.originalRAX] = .max
    registers[.fsBase] = thread.threadPointer?.rawValue ?? 0
    registers[.gsBase] = 0
    return registers
  }

  /// Writes the copy to `path`, which appears complete or not at all, readable by its owner only.
  ///
  /// - Parameters:
  ///   - file: the opened core; blocks are shared with it where the file system can.
  ///   - replacing: whether an existing file may be replaced.
  public func write(
    to path: String, copying file: MappedFile, inputs: [FileIdentity], replacing: Bool,
    progress: ProgressHandler = .silent
  ) throws {
    let layout = try writer.layout()
    let output = try AtomicOutputFile(path, inputs: inputs, replacing: replacing)
    try output.write(ByteView(copying: layout.head), at: 0)
    for piece in layout.pieces {
      progress(
        ProgressStep(
          what: "writing \(path)", done: piece.fileOffset.rawValue, total: layout.fileSize))
      switch piece.contents {
      case .absent, .deferred: continue  // This writer defers nothing.
      case .bytes(let bytes): try output.write(bytes, at: piece.fileOffset.rawValue)
      case .input(let offset, let count):
        let start = offset.rawValue
        try output.copy(start..<start + count, of: file.file, to: piece.fileOffset.rawValue)
      }
    }
    try output.truncate(to: layout.fileSize)
    try output.commit()
    progress(nil)
  }
}
