import Bytes
import LinuxGuest
import Targets
import Testing

/// Task lists of a kernel made by hand, damaged in every way.
@Suite struct TaskListTests {
  private typealias Offset = TaskWorld.Offset

  private func pids(_ list: TaskList) -> [Int] { list.tasks.map(\.pid) }

  @Test func readsTasksInGoodOrder() throws {
    let list = try TaskWorld(pids: [1, 2, 7]).tasks()
    #expect(pids(list) == [0, 1, 2, 7])
    #expect(list.tasks.map(\.comm) == ["task-0", "task-1", "task-2", "task-7"])
    #expect(
      list.tasks.map(\.sources).dropFirst() == [
        [.list, .pidTable], [.list, .pidTable], [.list, .pidTable],
      ])
    #expect(list.tasks[0].sources == [.list, .idle, .running])
    #expect(list.tasks.allSatisfy { $0.nice == 0 && $0.ppid == 0 && $0.diagnostics.isEmpty })
    #expect(list.tasks[3].namespacePIDs == [7])
    #expect(list.damaged.isEmpty)
    // This world has no `struct kthread`.
    #expect(list.diagnostics.count == 1 && list.diagnostics[0].contains("short names"))
  }

  @Test func listThatLoopsHidesNothing() throws {
    var world = TaskWorld(pids: [1, 2, 3, 4])
    // 2 leads back to 1.
    world.put(TaskWorld.task(1) + Offset.tasks, at: TaskWorld.task(2) + Offset.tasks)
    let list = try world.tasks()
    #expect(pids(list) == [0, 1, 2, 3, 4])
    #expect(list.diagnostics.contains { $0.hasPrefix("init_task.tasks: ") })
    #expect(list.tasks.allSatisfy { $0.pid == 0 || $0.sources == [.list, .pidTable] })
  }

  @Test(arguments: [TaskWorld.task(2) + 24, 0, 0x7fff_0000_1000, .max, 1 << 63])
  func nodeThatLeadsAstrayCostsNothing(_ wrong: UInt64) throws {
    for direction in [UInt64(0), 8] {
      var world = TaskWorld(pids: [1, 2, 3])
      world.put(wrong, at: TaskWorld.task(2) + Offset.tasks + direction)
      let list = try world.tasks()
      #expect(pids(list) == [0, 1, 2, 3])
      #expect(list.diagnostics.contains { $0.hasPrefix("init_task.tasks: ") })
    }
  }

  @Test func headThatPointsAtItselfLeavesTheTable() throws {
    var world = TaskWorld(pids: [1, 2])
    world.linkTasks([0])
    let list = try world.tasks()
    #expect(pids(list) == [0, 1, 2])
    for task in list.tasks.dropFirst() {
      #expect(!task.sources.contains(.list) || task.diagnostics.isEmpty)
      #expect(task.sources.contains(.pidTable))
    }
  }

  @Test func taskThatOnlyOneWayLeadsToIsTold() throws {
    var world = TaskWorld(pids: [1, 2, 3])
    // 2 is on no list, 3 has no number.
    world.linkTasks([0, 1, 3])
    world.link([TaskWorld.task(2) + Offset.threadNode])
    world.put(UInt64(0), at: 0xc_0000 + 8 + 3 * 8)
    let list = try world.tasks()
    #expect(pids(list) == [0, 1, 2, 3])
    #expect(list.tasks[2].sources == .pidTable)
    #expect(list.tasks[2].diagnostics == ["only the table of process numbers leads to it, no list"])
    #expect(list.tasks[3].sources == .list)
    #expect(
      list.tasks[3].diagnostics == [
        "only the list of processes leads to it, not the table of numbers"
      ])
  }

  @Test(arguments: [UInt32(1) << 31, .max, 4 << 20 | 1]) func impossibleNumberCostsOnlyItsTask(
    _ number: UInt32
  ) throws {
    var world = TaskWorld(pids: [1, 2, 3])
    world.put(number, at: TaskWorld.task(2) + Offset.pid)
    let list = try world.tasks()
    #expect(pids(list) == [0, 1, 3])
    #expect(list.damaged.map(\.address) == [VirtualAddress(TaskWorld.task(2))])
    #expect(list.damaged[0].damage == .impossible(pid: Int(Int32(bitPattern: number))))
  }

  @Test func nameWithoutEndIsCut() throws {
    var world = TaskWorld(pids: [1])
    world.put([UInt8](repeating: 0x41, count: 16), at: TaskWorld.task(1) + Offset.comm)
    #expect(try world.tasks().tasks[1].comm == String(repeating: "A", count: 16))
  }

  @Test func numberThatLeadsToAnotherTaskIsTold() throws {
    var world = TaskWorld(pids: [1, 2])
    world.setNumber(9, to: 2)
    let list = try world.tasks()
    #expect(pids(list) == [0, 1, 2])
    #expect(list.tasks[2].diagnostics == ["the table of process numbers has it as 9"])
  }

  @Test func tableThatLeadsToItselfEnds() throws {
    var world = TaskWorld(pids: [1, 2])
    world.put(UInt64(0xc_0000 | 2), at: 0xc_0000 + 8 + 5 * 8)
    let list = try world.tasks()
    #expect(pids(list) == [0, 1, 2])
    #expect(list.diagnostics.contains { $0.contains("comes twice") })
  }

  @Test func allOfMemoryAsOneListEnds() throws {
    var world = TaskWorld(pids: [1])
    // A list of nodes side by side through the last quarter of memory, each of which leads back.
    let nodes = stride(from: UInt64(0xd_0000), to: 0xf_0000, by: 16)
    world.link([TaskWorld.initTask + Offset.tasks] + Array(nodes))
    let list = try world.tasks()
    // No more tasks are taken than memory has room for.
    #expect(list.tasks.count + list.damaged.count < 1200)
    #expect(pids(list).contains(1))
  }

  @Test func levelsOfNamespacesAreBounded() throws {
    var world = TaskWorld(pids: [1])
    world.put(UInt32.max, at: 0x8_0000 + 0x40)
    let task = try world.tasks().tasks[1]
    #expect(task.namespacePIDs.isEmpty)
    #expect(task.diagnostics.count == 1 && task.diagnostics[0].hasPrefix("numbers: "))
  }
}
