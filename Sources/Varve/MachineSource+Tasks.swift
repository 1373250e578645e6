/// Which of a guest's tasks are shown, and in which order.
public struct TaskSelection: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    case all, kernel, user
  }

  public enum Order: String, Hashable, Sendable, CaseIterable {
    case pid, ppid, cpu, state, rss, time, start, name
  }

  /// Every thread, or only each process's first one.
  public var showsThreads = false
  public var kind = Kind.all
  /// Only tasks in one of these states; nil for all.
  public var states: Set<TaskState>?
  /// Only the processes with these numbers; nil for all.
  public var processes: Set<Int>?
  public var order = Order.pid

  public init() {}
}

extension MachineSource {
  /// What `varve ps` shows.
  public func taskList(
    _ selection: TaskSelection = TaskSelection(), progress: ProgressHandler = .silent
  ) throws(VarveError) -> TaskListReport {
    let kernel = try linuxKernel(progress: progress)
    progress(ProgressStep(what: "reading tasks", done: 0, total: nil))
    defer { progress(nil) }
    do {
      let list = try kernel.tasks()
      // An empty table would look as if the guest were idle.
      guard !list.tasks.isEmpty else {
        let reasons = (kernel.diagnostics + list.diagnostics).joined(separator: "; ")
        throw VarveError(file: path, reason: "none of its tasks can be read: \(reasons)")
      }
      var table = try TaskTable(kernel, list, selection)
      return TaskListReport(
        file: path, release: kernel.release, tasks: table.reports(), damaged: list.damaged,
        evidence: kernel.evidence + list.evidence,
        warnings: warnings(about: kernel) + list.diagnostics + table.warnings)
    } catch let error as VarveError {
      throw error
    } catch {
      throw VarveError(file: path, reason: "its tasks can't be read: \(reason(error, in: kernel))")
    }
  }

  /// What `varve maps` shows of the process that the task `pid` is of; `countsPages` adds how much of
  /// each mapping is present.
  public func taskMappings(
    pid: Int, countsPages: Bool = false, progress: ProgressHandler = .silent
  ) throws(VarveError) -> MapsReport {
    let kernel = try linuxKernel(progress: progress)
    progress(ProgressStep(what: "reading mappings", done: 0, total: nil))
    defer { progress(nil) }
    do {
      let list = try kernel.tasks()
      guard let task = list.tasks(pid: pid).first else {
        throw VarveError(file: path, reason: "the guest has no task \(pid)")
      }
      let reader = try AddressSpaceReader(kernel)
      guard let space = try reader.addressSpace(of: task) else {
        let reason = task.isKernelThread ? "is the kernel's own" : "has given its memory back"
        throw VarveError(file: path, reason: "task \(pid) (\(task.comm)) \(reason)")
      }
      let found = try reader.mappings(of: space)
      return MapsReport(
        file: path, task: task,
        mappings: found.mappings.map {
          MappingReport($0, present: countsPages ? space.presentSize(of: $0.range) : nil)
        }, evidence: kernel.evidence + [found.evidence],
        warnings: warnings(about: kernel) + found.diagnostics)
    } catch let error as VarveError {
      throw error
    } catch {
      throw VarveError(
        file: path, reason: "the mappings of task \(pid): \(reason(error, in: kernel))")
    }
  }
}

/// Makes reports of tasks: adds what their address spaces tell.
private struct TaskTable {
  let kernel: LinuxKernel
  let list: TaskList
  let selection: TaskSelection
  let reader: AddressSpaceReader?
  var warnings: [String] = []
  /// What threads of one process have in common, by `struct mm_struct`.
  private var memories: [VirtualAddress: MemoryFacts] = [:]

  private struct MemoryFacts {
    var residentSize: UInt64?
    var virtualSize: UInt64?
    var swappedSize: UInt64?
    var arguments: [String]?
    var argumentsProblem: String?
    var diagnostics: [String] = []
  }

  init(
    _ kernel: LinuxKernel, _ list: TaskList, _ selection: TaskSelection
  ) throws(StructureError) {
    self.kernel = kernel
    self.list = list
    self.selection = selection
    do throws(StructureError) {
      reader = try AddressSpaceReader(kernel)
    } catch {
      reader = nil
      warnings.append("command lines and memory use can't be read: \(error)")
    }
  }

  mutating func reports() -> [TaskReport] {
    let threads = Dictionary(grouping: list.tasks.filter { $0.pid != 0 }, by: \.tgid)
    var rows: [TaskReport] = []
    for task in list.tasks where isSelected(task) {
      let isProcess = task.isLeader && task.pid != 0
      var row = TaskReport(
        task,
        processTimes: selection.showsThreads || !isProcess ? nil : list.processTimes[task.tgid],
        threads: isProcess ? threads[task.tgid]?.count : nil)
      if let mm = task.mm, !task.isKernelThread { add(facts(of: mm), to: &row) }
      rows.append(row)
    }
    sort(&rows)
    return rows
  }

  private func isSelected(_ task: GuestTask) -> Bool {
    // Idle tasks are threads of no process, one for each CPU.
    guard selection.showsThreads || task.isLeader else { return false }
    switch selection.kind {
    case .all: break
    case .kernel: guard task.isKernelThread else { return false }
    case .user: guard !task.isKernelThread else { return false }
    }
    if let states = selection.states, !states.contains(task.state) { return false }
    if let processes = selection.processes, !processes.contains(task.tgid),
      !processes.contains(task.pid)
    {
      return false
    }
    return true
  }

  private func add(_ facts: MemoryFacts, to row: inout TaskReport) {
    row.residentSize = facts.residentSize
    row.virtualSize = facts.virtualSize
    row.swappedSize = facts.swappedSize
    row.arguments = facts.arguments
    row.argumentsProblem = facts.argumentsProblem
    row.diagnostics += facts.diagnostics
  }

  private mutating func facts(of mm: VirtualAddress) -> MemoryFacts {
    if let known = memories[mm] { return known }
    var facts = MemoryFacts()
    if let reader {
      do throws(StructureError) {
        let space = try reader.addressSpace(at: mm)
        facts.virtualSize = space.totalSize
        let line = space.commandLine()
        facts.arguments = line.arguments
        facts.argumentsProblem = line.problem
        let pages = try reader.residentPages(at: mm)
        facts.residentSize = pages?.residentSize
        facts.swappedSize = pages.map { UInt64(max($0.swapped, 0)) << 12 }
      } catch {
        facts.diagnostics.append("memory: \(error)")
      }
    }
    memories[mm] = facts
    return facts
  }

  private func sort(_ rows: inout [TaskReport]) {
    // Rows come by number; what else they are sorted by leaves equal ones in that order.
    switch selection.order {
    case .pid: break
    case .ppid: rows.sortStably { $0.ppid ?? -1 }
    case .cpu: rows.sortStably { $0.cpu ?? -1 }
    case .state: rows.sortStably(by: \.state)
    case .name: rows.sortStably(by: \.name)
    case .start: rows.sortStably { $0.startTime ?? 0 }
    case .rss: rows.sortStably { UInt64.max - ($0.residentSize ?? 0) }
    case .time: rows.sortStably { UInt64.max - (($0.userTime ?? 0) &+ ($0.systemTime ?? 0)) }
    }
  }
}

extension [TaskReport] {
  /// In ascending order of `key`; equal ones stay in their order.
  fileprivate mutating func sortStably<Key: Comparable>(by key: (TaskReport) -> Key) {
    self = enumerated().sorted {
      let (left, right) = (key($0.element), key($1.element))
      return left == right ? $0.offset < $1.offset : left < right
    }.map(\.element)
  }
}
