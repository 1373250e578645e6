import Foundation
import TestWorlds
import Testing
import Varve

/// The kernel stacks of real guests, beside what drgn makes of the same dump with a vmlinux, what the
/// guest's own kernel said of them in `/proc/PID/stack`, and what the CPUs' registers prove. One after
/// another: each drgn takes as much memory as the vmlinux that it reads.
@Suite(.serialized) struct GuestStackPeerTests {
  typealias Subject = LaboratoryManifest.Subject

  /// Guests whose vmlinux is there.
  static let guestsWithFiles = LaboratoryManifest.subjects.filter {
    $0.kernel != nil && $0.truth["qmp_dump"] != nil
      && $0.vmlinux.map(FileManager.default.isReadableFile) ?? false
  }

  /// All of them if everything is wanted, else one of each scenario.
  static let guests = guestsWithFiles.filter(isCompared)

  private static func isCompared(_ subject: Subject) -> Bool {
    LaboratoryManifest.isEverythingWanted
      || ["kernel-6.1-cloud-busy", "kernel-6.1-cloud-panic", "kernel-new-idle"]
        .contains(subject.name)
  }

  /// One frame as drgn has it.
  struct Frame: Decodable, Sendable {
    let pc: UInt64
    let name: String
    let isInline: Bool
    let file: String?
    let line: UInt32?
  }

  /// drgn's frames by the addresses of tasks, idle ones among them. Beyond the first address of user
  /// mode it reads what isn't the kernel's, so the script ends there.
  private static let script = """
    import json, sys
    from drgn import FaultError
    from drgn.helpers.linux.cpumask import for_each_possible_cpu
    from drgn.helpers.linux.pid import for_each_task
    from drgn.helpers.linux.sched import idle_task
    stacks = {}
    tasks = list(for_each_task(prog))
    tasks += [idle_task(prog, cpu) for cpu in for_each_possible_cpu(prog)]
    for task in tasks:
        try:
            trace = prog.stack_trace(task)
        # It ended and has no stack any more.
        except (ValueError, FaultError):
            continue
        frames = stacks[hex(task.value_())] = []
        for frame in trace:
            if frame.pc < 1 << 63:
                break
            try:
                source = frame.source()
            except LookupError:
                source = (None, None)
            frames.append({"pc": frame.pc, "name": frame.name, "isInline": frame.is_inline,
                           "file": source[0], "line": source[1]})
    print("STACKS " + json.dumps(stacks))
    """

  private func stacksByDrgn(_ subject: Subject) throws -> [String: [Frame]] {
    let directory = try ScratchDirectory()
    try directory.write(Self.script, to: "stacks.py")
    let drgn = try LaboratoryManifest.subject("peer-drgn").path
    let dump = try #require(subject.truth["qmp_dump"])
    let vmlinux = try #require(subject.vmlinux)
    let text = try Tool.run(
      "bash", "-c", "'\(drgn)' -q -c '\(dump)' -s '\(vmlinux)' stacks.py 2>&1", in: directory)
    let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("STACKS ") })
    return try JSONDecoder().decode([String: [Frame]].self, from: Data(line.dropFirst(7).utf8))
  }

  private func report(_ subject: Subject, vmlinux: Bool) throws -> GuestStackReport {
    var places = DebugFilePlaces(debugDirectories: [], debuginfod: .off)
    if vmlinux { places.givenFiles = [try #require(subject.vmlinux)] }
    return try MachineSource(opening: try #require(subject.truth["qmp_dump"])).guestStacks(
      .all, options: StackOptions(frameArguments: .none), places: places)
  }

  // MARK: drgn

  @Test(arguments: guests) func stacksEqualDrgns(_ subject: Subject) throws {
    let theirs = try stacksByDrgn(subject)
    for vmlinux in [false, true] {
      let ours = try report(subject, vmlinux: vmlinux)
      #expect(
        ours.tasks.contains { $0.stack?.frames.contains { $0.file != nil } ?? false } == vmlinux)
      // What runs it begins with the registers of its CPU, as we do.
      let tasks = ours.tasks.filter { $0.origin != .none }
      #expect(tasks.count > 80)
      for task in tasks {
        let frames = try #require(theirs[task.address], "\(task.pid)")
        let counters = frames.filter { !$0.isInline }.map { "0x" + String($0.pc, radix: 16) }
        #expect(task.counters == counters, "task \(task.pid) \(task.comm)")
        #expect(task.stack?.stop.complete ?? true, "task \(task.pid) \(task.comm)")
      }
      // They gave their stacks back. drgn follows the last stack pointer into what lies there now.
      let others = ours.tasks.filter { $0.origin == .none }
      #expect(others.allSatisfy { $0.state == "Z" })
      if vmlinux { try expectLines(tasks, theirs, of: subject) }
    }
  }

  /// Inlined functions, names, files and lines. Where only lines differ gdb decides.
  private func expectLines(
    _ tasks: [GuestTaskStack], _ theirs: [String: [Frame]], of subject: Subject
  ) throws {
    var compared = 0
    var doubtful: [UInt64: FrameReport] = [:]
    for task in tasks {
      let frames = try #require(theirs[task.address])
      let lines = task.frames
      #expect(lines.count == frames.count, "task \(task.pid)")
      // A frame that was interrupted is at the instruction, others behind their calls.
      var isAfterCall = false
      for (our, their) in zip(lines, frames) {
        compared += 1
        let difference = FrameDifference(our, their)
        if !difference.isNone, !FrameDifference.accepted.contains(where: { $0.covers(our, their) })
        {
          #expect(!difference.name, "task \(task.pid): \(our) and \(their)")
          doubtful[their.pc - (isAfterCall ? 1 : 0)] = our
        }
        if !our.inlined { isAfterCall = our.savedRegisters == nil }
      }
    }
    #expect(compared > 200)
    let kernel = try MachineSource(opening: try #require(subject.truth["qmp_dump"])).linuxKernel()
    let gdb = GDBLines(
      vmlinux: try #require(subject.vmlinux), bias: kernel.place.kernelOffset)
    let addresses = doubtful.keys.sorted()
    for (address, answer) in zip(addresses, try gdb.lines(at: addresses)) {
      let our = try #require(doubtful[address])
      let their = try #require(answer, "\(our)")
      #expect(our.line == their.line && our.file?.hasSuffix(their.file) ?? false, "\(our) \(their)")
    }
  }

  // MARK: The guest's own word

  /// Threads that may run for less than a tick after the guest looked, and so seem settled; of these
  /// drgn's stacks alone decide.
  private static let movedOn = [
    "rcu_preempt": "in 6.12's idle guest a grace period began between its looking and the pause",
    "rcu_sched": "the same thread in kernels without preemption",
  ]

  @Test(arguments: guests) func stacksEqualTheGuestsOwn(_ subject: Subject) throws {
    let truth = try GuestTruth(subject)
    let ours = try report(subject, vmlinux: false)
    let tasks = Dictionary(
      ours.tasks.filter { $0.pid != 0 }.map { ($0.pid, $0) },
      uniquingKeysWith: { first, _ in first })
    var compared = 0
    for thread in truth.threads where thread.isSettled && !thread.stack.isEmpty {
      // What ended, or ran, since the guest looked.
      guard let task = tasks[thread.tid], task.origin == .switchedOut else { continue }
      let names = task.frames.map { frame in
        "\(frame.symbol ?? "?")+0x\(String(frame.offset ?? 0, radix: 16))"
      }
      let own = thread.stack.compactMap { $0.split(separator: "/").first.map(String.init) }
      // The kernel leaves out the scheduler's own functions, which are the innermost.
      #expect(
        Array(names.suffix(own.count)) == own || Self.movedOn[thread.name] != nil, "task \(thread)")
      compared += 1
    }
    #expect(compared > 40)
  }

  // MARK: The CPUs' registers

  /// Without a vmlinux, so of those kernels as well whose vmlinux isn't there.
  static let witnessed = LaboratoryManifest.subjects.filter {
    $0.kernel != nil && $0.truth["qmp_dump"] != nil
      && (isCompared($0) || $0.name == "kernel-5.10-busy")
  }

  @Test(arguments: witnessed) func runningTasksStandWhereTheirCPUsDo(_ subject: Subject) throws {
    let truth = try GuestTruth(subject)
    let ours = try report(subject, vmlinux: false)
    for cpu in truth.cpus {
      let running = ours.tasks.filter {
        $0.cpu == cpu.cpu && ($0.origin == .running || $0.origin == .userMode)
      }
      #expect(running.count == 1, "CPU \(cpu.cpu)")
      let task = try #require(running.first)
      #expect((task.origin == .userMode) == cpu.user)
      #expect((task.stack?.frames.first?.pc ?? task.registers?.registers["rip"]) == cpu.rip)
      #expect(task.stack?.stop.complete ?? true, "\(task.stack?.stop.reason ?? "")")
      #expect((task.stack == nil) == cpu.user)
      if cpu.user {
        #expect(task.registers?.registers["rsp"] == cpu.rsp)
        #expect(task.registers?.fromUserMode == true)
      } else {
        // By the guest's own `/proc/kallsyms`.
        let frame = try #require(task.stack?.frames.first)
        #expect(frame.symbol == cpu.function && frame.offset == cpu.offset.map(UInt64.init))
      }
      try expectEntry(task, of: subject)
    }
  }

  /// How each of the busy guest's programs gets into the kernel.
  private static let entries = [
    "busy-kernel": "entry_SYSCALL_64_after_hwframe",
    "busy-packets": "entry_SYSCALL_64_after_hwframe", "busy-faults": "asm_exc_page_fault",
  ]

  /// A stack that began in user mode ends with the registers of the program, which was at what the
  /// program does, or was interrupted.
  private func expectEntry(_ task: GuestTaskStack, of subject: Subject) throws {
    guard let entry = Self.entries[task.comm], let outermost = task.stack?.frames.last else {
      return
    }
    let symbol = try #require(outermost.symbol)
    #expect(symbol == entry || symbol.hasPrefix("asm_sysvec_"), "\(task.comm): \(symbol)")
    let saved = try #require(outermost.savedRegisters)
    #expect(saved.fromUserMode)
    #expect(saved.registers["cs"] == "0x33")
    let mappings = try MachineSource(opening: try #require(subject.truth["qmp_dump"]))
      .taskMappings(pid: task.pid).mappings
    for (register, permission) in [("rip", "r-x"), ("rsp", "rw-")] {
      let place = try #require(Self.number(saved.registers[register]))
      let mapping = try #require(
        mappings.first { mapping in
          guard let start = Self.number(mapping.start), let end = Self.number(mapping.end) else {
            return false
          }
          return start <= place && place < end
        }, "\(task.comm): \(register)")
      #expect(mapping.permissions.hasPrefix(permission), "\(task.comm): \(register)")
    }
  }

  private static func number(_ text: String?) -> UInt64? {
    text.flatMap { UInt64($0.dropFirst(2), radix: 16) }
  }
}

extension GuestTaskStack {
  /// The frames without those that left the stack by a tail call, which drgn doesn't put back.
  fileprivate var frames: [FrameReport] {
    stack?.frames.filter { $0.evidence != "tail call" } ?? []
  }

  /// The program counters of the frames that are on the stack.
  fileprivate var counters: [String] { frames.filter { !$0.inlined }.map(\.pc) }
}
