import Bytes
import QEMUProcess
import Testing
import Unwinding

@Suite("The pointer guard and the C libraries' jump buffers")
struct PointerGuardTests {
  @Test func threadsAgree() throws {
    var world = SyntheticProcess()
    world.threadCount = 3
    _ = world.addCoroutine()
    let result = world.scan()
    #expect(
      result.pointerGuard
        == PointerGuard(
          value: world.guardValue, source: .threadControlBlocks(agreeing: 3, others: 0)))
    #expect(result.diagnostics.isEmpty)
  }

  @Test func aThreadThatDisagreesIsReported() {
    var world = SyntheticProcess()
    world.threadCount = 3
    world.toldGuards = [world.guardValue, world.guardValue, 77]
    let planted = world.addCoroutine()
    let result = world.scan()
    #expect(result.coroutines.map(\.address.rawValue) == [planted.address])
    #expect(result.pointerGuard?.source == .threadControlBlocks(agreeing: 2, others: 1))
    #expect(result.diagnostics == ["another pointer guard than the majority's in thread 102"])
  }

  @Test(arguments: [0, 0xbad])
  func aGuardThatIsMissingOrWrongIsWorkedOut(_ told: UInt64) {
    var world = SyntheticProcess()
    world.toldGuards = [told]
    let planted = (1...5).map { world.addCoroutine(depth: UInt64($0) * 0x110) }
    let result = world.scan()
    #expect(result.coroutines.map(\.address.rawValue) == planted.map(\.address))
    #expect(result.pointerGuard?.value == world.guardValue)
    #expect(result.pointerGuard?.source == .recovered(stacks: 5))
    #expect(!result.diagnostics.isEmpty)
  }

  @Test func muslManglesNothing() {
    var world = SyntheticProcess()
    world.format = .muslX86
    world.toldGuards = [0]
    let planted = world.addCoroutine()
    let result = world.scan()
    #expect(result.coroutines.map(\.address.rawValue) == [planted.address])
    #expect(result.format?.name == "musl x86-64")
  }

  @Test func aarch64ReadsTheGuardFromTheDynamicLinker() throws {
    var world = SyntheticProcess()
    world.architecture = .aarch64
    world.format = .glibcAArch64
    world.set(SyntheticProcess.constants + 0x10, world.guardValue)
    let planted = world.addCoroutine()
    var scanner = CoroutineScanner(world.process())
    scanner.variable = { name in
      name == "__pointer_chk_guard_local" ? VirtualAddress(SyntheticProcess.constants + 0x10) : nil
    }
    let result = scanner.scan()
    let found = try #require(result.coroutines.first)
    #expect(found.address.rawValue == planted.address)
    #expect(found.registers[RegisterNumber(31)] == planted.stackPointer)
    #expect(found.registers[RegisterNumber(32)] == SyntheticProcess.switchReturn)
    #expect(found.registers[RegisterNumber(30)] == SyntheticProcess.switchReturn)
    #expect(found.registers[RegisterNumber(19)] == 0x1000)
    #expect(found.registers[RegisterNumber(18)] == nil)
    #expect(result.pointerGuard?.source == .variable("__pointer_chk_guard_local"))
  }
}
