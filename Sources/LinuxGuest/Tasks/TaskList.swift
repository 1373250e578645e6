public import Bytes
internal import Symbols
public import Targets

/// All tasks of a guest's kernel, found by two independent ways: the list of processes with their
/// lists of threads, and the table of process numbers. What only one way leads to is there all the
/// same, and labelled.
public struct TaskList: Sendable {
  /// The idle tasks by CPU first, then by number; tasks with the same number by address.
  public internal(set) var tasks: [GuestTask] = []
  /// What a list or the table leads to, but can't be shown as a task.
  public internal(set) var damaged: [DamagedTask] = []
  /// What is wrong with the lists, the table, or what they say of each other, a line each.
  public internal(set) var diagnostics: [String] = []
  /// What each process has used of the CPUs, its ended threads included, by its number.
  public internal(set) var processTimes: [Int: CPUTimes] = [:]
  /// How the tasks were found, a line each.
  public internal(set) var evidence: [String] = []

  /// The tasks with that number: one, unless the kernel's data is damaged. All idle tasks have 0.
  public func tasks(pid: Int) -> [GuestTask] { tasks.filter { $0.pid == pid } }

  /// The threads of the process `tgid`, its first one included.
  public func threads(of tgid: Int) -> [GuestTask] { tasks.filter { $0.tgid == tgid } }
}

/// What a list or the table leads to, but can't be shown as a task.
public struct DamagedTask: Hashable, Sendable {
  public let address: VirtualAddress
  public let source: TaskSources
  public let damage: TaskDamage
}

extension LinuxKernel {
  /// Every task there is. Throws if the kernel's types or symbols don't tell how tasks are found;
  /// a task that is damaged costs only itself.
  public func tasks() throws(StructureError) -> TaskList {
    var collection = try TaskCollection(self)
    return collection.collect()
  }
}

/// Puts a `TaskList` together.
private struct TaskCollection {
  let kernel: LinuxKernel
  let reader: TaskReader
  /// No guest has more tasks than its memory has room for.
  let limit: Int
  var list = TaskList()
  /// Where in `list.tasks` the task at an address is.
  var places: [VirtualAddress: Int] = [:]
  /// The heads of the lists of threads that were walked: forged tasks may all name the same one.
  var walked: Set<VirtualAddress> = []
  /// The addresses that were judged, whatever came of it.
  var seen: Set<VirtualAddress> = []

  init(_ kernel: LinuxKernel) throws(StructureError) {
    self.kernel = kernel
    reader = try TaskReader(kernel)
    let memory = kernel.machine.map.reduce(UInt64(0)) { $0.addingReportingOverflow($1.count).0 }
    limit = Int(min(UInt64(TaskReader.pidLimit), memory / max(reader.task.byteCount, 1024) + 64))
  }

  mutating func collect() -> TaskList {
    list.diagnostics = reader.diagnostics
    attempt("the idle tasks") { this throws(StructureError) in try this.addRunQueues() }
    attempt("the list of processes") { this throws(StructureError) in try this.addProcesses() }
    let listed = list.tasks.count { $0.sources.contains(.list) }
    list.evidence.append("\(listed) tasks by the list init_task.tasks and the lists of threads")
    attempt("the table of process numbers") { this throws(StructureError) in
      try this.addNumbered()
    }
    judgeSources()
    addProcessTimes()
    list.tasks.sort { ($0.pid, $0.idleOrder, $0.address) < ($1.pid, $1.idleOrder, $1.address) }
    return list
  }

  private mutating func attempt(
    _ what: String, _ body: (inout Self) throws(StructureError) -> Void
  ) {
    do throws(StructureError) {
      try body(&self)
    } catch {
      list.diagnostics.append("\(what): \(error)")
    }
  }

  /// Adds the task at `address`, or notes another way to it. Gives where it is in the list; nil if it
  /// is damaged.
  @discardableResult
  private mutating func add(_ address: VirtualAddress, from source: TaskSources) -> Int? {
    if let place = places[address] {
      list.tasks[place].sources.insert(source)
      return place
    }
    // A list that was forged to be full mustn't leave the table without room.
    let room = source == .pidTable ? 2 * limit : limit
    guard list.tasks.count + list.damaged.count < room, seen.insert(address).inserted else {
      return nil
    }
    do throws(TaskDamage) {
      places[address] = list.tasks.count
      list.tasks.append(try reader.read(address, from: source))
      return places[address]
    } catch {
      places[address] = nil
      list.damaged.append(DamagedTask(address: address, source: source, damage: error))
      return nil
    }
  }

  // MARK: The list of processes

  private mutating func addProcesses() throws(StructureError) {
    guard let symbol = kernel.symbols.symbol(named: "init_task") else {
      throw .noVariable("init_task")
    }
    let first = VirtualAddress(symbol.address)
    let offset = try reader.task.place(of: .tasks).offset
    let leaders = KernelList(head: first &+ offset, in: kernel.memory, limit: limit)
    if let damage = leaders.damage { list.diagnostics.append("init_task.tasks: \(damage)") }
    add(first, from: .list)
    for node in leaders.nodes {
      let address = node &- offset
      guard let place = add(address, from: .list) else { continue }
      try addThreads(of: list.tasks[place])
    }
  }

  /// The threads of the process that `leader` is in.
  private mutating func addThreads(of leader: GuestTask) throws(StructureError) {
    guard let signals = leader.signals else { return }
    let head = signals &+ (try reader.signals.place(of: .threadHead)).offset
    guard walked.insert(head).inserted else { return }
    let offset = try reader.task.place(of: .threadNode).offset
    let threads = KernelList(head: head, in: kernel.memory, limit: limit)
    if let damage = threads.damage {
      list.diagnostics.append("the threads of task \(leader.pid): \(damage)")
    }
    for node in threads.nodes {
      guard let place = add(node &- offset, from: .list) else { continue }
      if list.tasks[place].tgid != leader.tgid {
        list.tasks[place].diagnostics.append(
          "says that it is of process \(list.tasks[place].tgid), but is a thread of "
            + "\(leader.tgid)'s")
      }
    }
  }

  // MARK: The table of numbers

  private mutating func addNumbered() throws(StructureError) {
    let table = try ProcessNumbers(kernel, reader, limit: limit)
    list.diagnostics += table.damage
    var count = 0
    for (number, task) in table.tasks {
      guard let place = add(task, from: .pidTable) else { continue }
      count += 1
      if list.tasks[place].pid != Int(truncatingIfNeeded: number) {
        list.tasks[place].diagnostics.append("the table of process numbers has it as \(number)")
      }
    }
    list.evidence.append("\(count) tasks by the table init_pid_ns.idr")
    for address in table.tasks.map(\.task) {
      // The other threads of a process that no list leads to.
      guard let place = places[address], !list.tasks[place].sources.contains(.list),
        list.tasks[place].isLeader
      else { continue }
      try addThreads(of: list.tasks[place])
    }
  }

  private mutating func addProcessTimes() {
    let threads = Dictionary(grouping: list.tasks.filter { $0.pid != 0 }, by: \.tgid)
    for index in list.tasks.indices where list.tasks[index].isLeader && list.tasks[index].pid != 0 {
      let leader = list.tasks[index]
      do throws(StructureError) {
        list.processTimes[leader.tgid] = try reader.processTimes(
          leader, threads: threads[leader.tgid] ?? [])
      } catch {
        list.tasks[index].diagnostics.append("the process's times: \(error)")
      }
    }
  }

  // MARK: Run queues

  private mutating func addRunQueues() throws(StructureError) {
    for queue in try RunQueue.all(of: kernel) {
      attempt("the run queue of CPU \(queue.cpu)") { this throws(StructureError) in
        if let idle = try queue.idle() { this.add(idle, from: .idle) }
        if let current = try queue.current() { this.add(current, from: .running) }
      }
    }
  }

  /// Notes tasks that not all ways lead to. A task that is being made or ends right now has a reason.
  private mutating func judgeSources() {
    for index in list.tasks.indices where list.tasks[index].pid != 0 {
      let task = list.tasks[index]
      if task.sources.isDisjoint(with: [.list, .pidTable]) {
        list.tasks[index].diagnostics.append(
          "a CPU runs it, but neither the list of processes nor the table of numbers leads to it")
      } else if !task.sources.contains(.list) {
        list.tasks[index].diagnostics.append(
          "only the table of process numbers leads to it, no list")
      } else if !task.sources.contains(.pidTable) {
        list.tasks[index].diagnostics.append(
          "only the list of processes leads to it, not the table of numbers")
      }
    }
  }
}

extension GuestTask {
  /// Idle tasks all have the number 0: they come by CPU.
  fileprivate var idleOrder: Int { pid == 0 ? cpu ?? .max : 0 }
}
