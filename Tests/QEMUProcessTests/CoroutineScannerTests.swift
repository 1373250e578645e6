import Bytes
import QEMUProcess
import Testing
import Unwinding

@Suite("Finding coroutines by shape")
struct CoroutineScannerTests {
  @Test func readsEveryMember() throws {
    var world = SyntheticProcess()
    let planted = world.addCoroutine(depth: 0x340, locksHeld: 3)
    world.set(planted.address + 40, SyntheticProcess.heap + 0x8000)
    let result = world.scan()
    let found = try #require(result.coroutines.first)
    #expect(result.coroutines.count == 1)
    #expect(found.address.rawValue == planted.address)
    #expect(found.entry.rawValue == SyntheticProcess.entry)
    #expect(found.argument == 0xaa00 + planted.address)
    #expect(found.caller == nil)
    #expect(found.locksHeld == 3)
    #expect(found.context?.address.rawValue == SyntheticProcess.heap + 0x8000)
    #expect(found.stack.base.rawValue == planted.stack)
    #expect(found.stack.size == SyntheticProcess.stackSize)
    #expect(found.stack.guardSize == 0x1000)
    #expect(found.jumpBuffer.rawValue == planted.jumpBuffer)
    #expect(found.state == .inactive)
    // rbx, rbp, r12–r15, rsp, rip; all others unknown.
    var expected = RegisterState()
    for (slot, number) in [3, 6, 12, 13, 14, 15].enumerated() {
      expected[RegisterNumber(UInt16(number))] = 0x1000 + UInt64(slot)
    }
    expected[RegisterNumber(7)] = planted.stackPointer
    expected[RegisterNumber(16)] = SyntheticProcess.switchReturn
    #expect(found.registers == expected)
    let use = found.stack.deepestUse(in: world.process().memory)
    #expect(use.bytes == 0x348)
    #expect(use.isComplete)
  }

  @Test(arguments: [80, 88, 104, 160])
  func learnsWhereTheStructureBegins(_ stackOffset: Int) throws {
    var world = SyntheticProcess()
    world.layout.stackOffset = UInt64(stackOffset)
    world.layout.wakeup = stackOffset == 80 ? 40 : 64
    var expected: [UInt64] = []
    for _ in 0..<3 { expected.append(world.addCoroutine().address) }
    let result = world.scan()
    #expect(result.coroutines.map(\.address.rawValue) == expected)
    #expect(result.layout?.stackOffset == UInt64(stackOffset))
    #expect(result.layout?.jumpBufferOffset == UInt64(stackOffset) + 16)
    // Only arrangements that are known have named members.
    #expect((result.layout?.members != nil) == (stackOffset == 80 || stackOffset == 88))
  }

  @Test func findsTheJumpBufferBehindSafeStacksMembers() {
    var world = SyntheticProcess()
    world.layout.jumpBufferDistance = 32
    let planted = world.addCoroutine()
    let result = world.scan()
    #expect(result.coroutines.map(\.address.rawValue) == [planted.address])
    #expect(result.layout?.jumpBufferOffset == 120)
  }

  @Test func needsNoGuardPageInTheDump() {
    var world = SyntheticProcess()
    world.hasGuardPages = false
    let planted = [world.addCoroutine(), world.addCoroutine()]
    #expect(world.scan().coroutines.map(\.address.rawValue) == planted.map(\.address))
  }

  @Test func rejectsACopyOfTheStructure() throws {
    var world = SyntheticProcess()
    let planted = world.addCoroutine()
    let copy = world.allocate(304)
    world.copy(from: planted.address, to: copy, count: 304)
    let result = world.scan()
    #expect(result.coroutines.map(\.address.rawValue) == [planted.address])
    #expect(result.rejected.map(\.address.rawValue) == [copy])
    #expect(result.rejected.first?.reason.contains("belongs to the coroutine at") == true)
  }

  @Test func rejectsAFreedStructureWhoseStackIsReused() {
    var world = SyntheticProcess()
    let freed = world.addCoroutine(leavesTraces: false)
    let owner = world.addCoroutine(stack: freed.stack)
    // free() puts list links over the first words.
    world.set(freed.address, 0x0005_5551_0000)
    world.set(freed.address + 8, 0xfeed_beef_dead_c0de)
    let result = world.scan()
    #expect(result.coroutines.map(\.address.rawValue) == [owner.address])
    #expect(result.rejected.map(\.address.rawValue) == [freed.address])
    #expect(result.rejected.first?.reason.contains("freed memory") == true)
  }

  @Test func rejectsAClaimThatNothingOnTheStackSupports() {
    var world = SyntheticProcess()
    let real = [world.addCoroutine(), world.addCoroutine()]
    let stale = world.addCoroutine(leavesTraces: false)
    let result = world.scan()
    #expect(result.coroutines.map(\.address.rawValue) == real.map(\.address))
    #expect(result.rejected.map(\.address.rawValue) == [stale.address])
  }

  @Test func guestMemoryIsSearchedOnlyForStacksWithoutOwner() {
    var world = SyntheticProcess()
    let real = world.addCoroutine()
    world.copy(from: real.address, to: SyntheticProcess.guestMemory + 0x100, count: 304)
    let quick = world.scan()
    #expect(quick.coroutines.map(\.address.rawValue) == [real.address])
    #expect(quick.rejected.isEmpty)

    // A stack that was used and has no coroutine makes the scanner look everywhere.
    let orphan = world.newStack()
    world.set(orphan + 0x4000, 1)
    let thorough = world.scan()
    #expect(thorough.coroutines.map(\.address.rawValue) == [real.address])
    #expect(thorough.rejected.map(\.address.rawValue) == [SyntheticProcess.guestMemory + 0x100])
    #expect(thorough.diagnostics.contains { $0.contains("large mappings") })
  }

  @Test func aLeftoverJumpBufferIntoAnotherStackIsNone() {
    var world = SyntheticProcess()
    let real = world.addCoroutine()
    // The pair is right, but the buffer's stack pointer lies elsewhere.
    let forged = world.allocate(304)
    world.copy(from: real.address, to: forged, count: 304)
    world.set(forged + 88, world.newStack())
    let result = world.scan()
    #expect(result.coroutines.map(\.address.rawValue) == [real.address])
    #expect(result.rejected.isEmpty)
  }

  @Test func noiseIsNoCoroutine() {
    var generator = SplitMix(state: 1)
    for _ in 0..<4 {
      var world = SyntheticProcess()
      let stacks = (0..<4).map { _ in world.newStack() }
      for offset in stride(from: UInt64(0), to: 0x8000, by: 8) {
        let value: UInt64 =
          switch UInt64.random(in: 0..<5, using: &generator) {
          case 0: stacks[Int.random(in: 0..<4, using: &generator)]
          case 1: SyntheticProcess.stackSize
          case 2: SyntheticProcess.heap + UInt64.random(in: 0..<0x4000, using: &generator) * 8
          case 3: SyntheticProcess.code + UInt64.random(in: 0..<0x10000, using: &generator)
          default: UInt64.random(in: 0...UInt64.max, using: &generator)
          }
        world.set(SyntheticProcess.heap + offset, value)
      }
      #expect(world.scan().coroutines.isEmpty)
    }
  }
}

/// Numbers that look random and are the same in every run (S. Vigna's splitmix64).
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
