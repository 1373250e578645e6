public import Bytes
import DebugFiles
import ObjectFiles
public import Targets
public import Unwinding

extension HostProcess {
  /// `process` as far as this room needs to know it.
  public init(_ process: Process) {
    let mappings = process.mappings.map { mapping in
      let protection = mapping.protection
      return HostMapping(
        start: mapping.start, end: mapping.start.advanced(by: mapping.count) ?? mapping.start,
        isReadable: protection?.contains(.read) ?? true,
        isWritable: protection?.contains(.write) ?? false,
        // A dump that leaves a mapping out tells its file, but not its permissions.
        isExecutable: protection?.contains(.execute) ?? (mapping.path != nil),
        path: mapping.path)
    }
    let threads = process.threads.map { thread in
      HostThread(
        id: Int32(bitPattern: thread.lwp), registers: thread.registers,
        threadPointer: thread.threadPointer)
    }
    self.init(
      architecture: process.architecture, mappings: mappings, threads: threads,
      memory: process.memory)
  }
}

/// Walks a process's stacks by its modules' unwind tables.
public struct ProcessStackWalker: StackWalker {
  private let process: Process

  public init(_ process: Process) { self.process = process }

  public func programCounters(from registers: RegisterState, limit: Int) -> [VirtualAddress] {
    // Registers that setjmp saved: the program counter is a return address.
    let backtrace = process.backtrace(from: registers, limit: limit, isAfterCall: true)
    var counters: [VirtualAddress] = []
    for (index, frame) in backtrace.frames.enumerated() {
      // Beyond a guess nothing is certain; the first guess still tells that the program's frames
      // are at their end.
      if frame.restsOnGuess, index > 0, backtrace.frames[index - 1].restsOnGuess { break }
      counters.append(frame.pc)
    }
    return counters
  }

  public func functionStart(of counter: VirtualAddress) -> VirtualAddress? {
    guard let module = process.module(containing: counter) else { return nil }
    let linked = module.linkAddress(of: counter)
    if let start = codeStart(of: linked, in: module.contents.unwindTable) {
      return start &+ module.bias
    }
    guard let found = module.symbol(at: counter), found.offset < max(found.symbol.size, 1) else {
      return nil
    }
    return counter &- found.offset
  }

  /// Where the code begins that the unwind table describes together with `address`.
  private func codeStart(
    of address: VirtualAddress, in table: (any UnwindTable)?
  ) -> VirtualAddress? {
    let tables = (table as? UnwindTableChain)?.tables ?? [table].compactMap { $0 }
    for case let table as CFITable in tables {
      do throws(UnwindError) {
        if let range = try table.codeRange(containing: address) { return range.lowerBound }
      } catch {
        // A damaged entry says nothing; the next table or the symbols may.
        continue
      }
    }
    return nil
  }
}

extension QEMUStructures {
  /// QEMU's variables in `process`, by its program's debug information; nil if there is none.
  public init?(_ process: Process) {
    guard let program = process.program, let information = program.contents.debugInformation else {
      return nil
    }
    self.init(
      process: HostProcess(process), symbols: information, bias: program.bias,
      threadLocalStorage: ThreadLocalStorage(of: program, in: process))
  }
}

extension ThreadLocalStorage {
  /// The thread-local storage of `program`, by its file's PT_TLS or that of its image in memory;
  /// nil if it has none.
  public init?(of program: Module, in process: Process) {
    let image = program.files?.binary?.image ?? program.files?.debugFile?.image
    let segments = image?.segments ?? Self.segmentsInMemory(of: program, in: process)
    guard let segment = segments.first(where: { $0.type == .threadLocal }) else { return nil }
    self.init(
      architecture: process.architecture, size: segment.memorySize,
      imageAddress: segment.address.rawValue, alignment: segment.alignment)
  }

  private static func segmentsInMemory(of program: Module, in process: Process) -> [ELFSegment] {
    do throws(ObjectError) {
      return try LoadedELFImage(at: program.range.lowerBound, memory: process.memory).segments
    } catch {
      // The program's first page isn't in the dump, or isn't as it was.
      return []
    }
  }
}
