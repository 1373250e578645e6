import Bytes
import QEMUProcess
import Testing
import Unwinding

@Suite("QEMU's own lists")
struct StructureTests {
  private let globals = SyntheticProcess.heap + 0x18000

  /// Where the thread-local variables are: 64 bytes below the control block.
  private let storage = ThreadLocalStorage(
    architecture: .x86_64, size: 64, imageAddress: 0, alignment: 16)

  private func structures(
    _ world: SyntheticProcess,
    _ variables: [String: (type: String, place: ProgramVariable.Place)]
  ) -> QEMUStructures {
    QEMUStructures(
      process: world.process(),
      symbols: SyntheticSymbols(structures: SyntheticSymbols.coroutine, variables: variables),
      bias: 0x1000, threadLocalStorage: storage)
  }

  private func states(_ result: CoroutineScanner.Result) -> [UInt64: CoroutineState] {
    Dictionary(uniqueKeysWithValues: result.coroutines.map { ($0.address.rawValue, $0.state) })
  }

  @Test func poolsBeforeBatchesAreLists() throws {
    var world = SyntheticProcess()
    let planted = (0..<4).map { _ in world.addCoroutine() }
    world.set(globals, planted[0].address)
    world.set(planted[0].address + 24, planted[1].address)
    world.set(world.controlBlock(0) - 64 + 8, planted[2].address)
    var result = world.scan()
    result.complete(
      with: structures(
        world,
        [
          "release_pool": ("SingleHead", .address(globals - 0x1000)),
          "co_tls_alloc_pool": ("SingleHead", .threadLocal(offset: 8)),
        ]))
    let states = states(result)
    #expect(states[planted[0].address] == .idle(in: .global))
    #expect(states[planted[1].address] == .idle(in: .global))
    #expect(states[planted[2].address] == .idle(in: .local(thread: 100)))
    #expect(states[planted[3].address] == .inactive)
    #expect(result.diagnostics == [])
  }

  @Test func newerPoolsAreListsOfBatches() throws {
    var world = SyntheticProcess()
    let planted = (0..<3).map { _ in world.addCoroutine() }
    let batches = [world.allocate(24), world.allocate(24)]
    world.set(globals, batches[0])
    world.set(batches[0], batches[1])
    world.set(batches[0] + 8, planted[0].address)
    world.set(planted[0].address + 24, planted[1].address)
    world.set(batches[1] + 8, planted[2].address)
    var result = world.scan()
    result.complete(
      with: structures(world, ["global_pool": ("BatchHead", .address(globals - 0x1000))]))
    #expect(result.coroutines.map(\.state) == Array(repeating: .idle(in: .global), count: 3))
    #expect(result.diagnostics == [])
  }

  @Test func listsThatLieAreReported() throws {
    var world = SyntheticProcess()
    let planted = world.addCoroutine()
    let absent = world.allocate(96)
    // The list leads to something that isn't a coroutine, and back to its start.
    world.set(globals, planted.address)
    world.set(planted.address + 24, absent)
    world.set(absent + 24, planted.address)
    var result = world.scan()
    result.complete(
      with: structures(world, ["release_pool": ("SingleHead", .address(globals - 0x1000))]))
    #expect(
      result.diagnostics == [
        "the global pool: the list leads back to \(VirtualAddress(planted.address))",
        "the global pool leads to \(VirtualAddress(absent)), where no coroutine was found",
      ])
    #expect(result.coroutines.map(\.state) == [.idle(in: .global)])
  }

  @Test func anEventLoopKnowsWhomItWillEnter() throws {
    var world = SyntheticProcess()
    let scheduled = world.addCoroutine()
    let context = world.allocate(64)
    world.set(scheduled.address + 40, context)
    world.set(scheduled.address + 48, SyntheticProcess.constants)
    world.set(context + 16, scheduled.address)
    world.set(globals, context)
    world.set(world.controlBlock(0) - 64 + 16, context)
    var result = world.scan()
    result.complete(
      with: structures(
        world,
        [
          "qemu_aio_context": ("AioContext*", .address(globals - 0x1000)),
          "co_tls_my_aiocontext": ("AioContext*", .threadLocal(offset: 16)),
        ]))
    let found = try #require(result.coroutines.first)
    #expect(
      found.context
        == AioContextReference(
          address: VirtualAddress(context), name: "main loop", homeThread: 100))
    #expect(found.doubts == [])
    #expect(result.diagnostics == [])
  }

  @Test func theCurrentCoroutineIsChecked() throws {
    var world = SyntheticProcess()
    let planted = world.addCoroutine()
    world.set(world.controlBlock(0) - 64 + 24, planted.address)
    var result = world.scan()
    result.complete(
      with: structures(world, ["co_tls_current": ("Coroutine*", .threadLocal(offset: 24))]))
    #expect(result.coroutines.first?.state == .inactive)
    #expect(
      result.coroutines.first?.doubts == ["thread 100 calls it current, but it is inactive"])
  }
}

@Suite("Thread-local storage")
struct ThreadLocalStorageTests {
  /// Blocks end where the control block begins, rounded up to the alignment (variant II), or begin
  /// behind it (variant I).
  @Test(arguments: [
    (size: UInt64(0x148), image: UInt64(0xee0), alignment: UInt64(16), distance: UInt64(0x150)),
    (0x10, 0, 64, 0x40), (0x64, 4, 8, 0x64), (8, 0, 0, 8),
  ])
  func x86BlocksLieBelowTheThreadPointer(
    _ size: UInt64, _ image: UInt64, _ alignment: UInt64, _ distance: UInt64
  ) {
    let storage = ThreadLocalStorage(
      architecture: .x86_64, size: size, imageAddress: image, alignment: alignment)
    let pointer = VirtualAddress(0x7f00_0000_1000)
    #expect(storage.staticBlock(threadPointer: pointer) == pointer &- distance)
  }

  @Test func aarch64BlocksLieAboveTheThreadPointer() {
    let pointer = VirtualAddress(0x7f00_0000_1000)
    for (alignment, image, distance) in [(8, 0, 16), (64, 0, 64), (64, 16, 16), (16, 8, 24)] {
      let storage = ThreadLocalStorage(
        architecture: .aarch64, size: 8, imageAddress: UInt64(image),
        alignment: UInt64(alignment))
      #expect(storage.staticBlock(threadPointer: pointer) == pointer &+ UInt64(distance))
    }
  }

  @Test func sizesThatCannotBeAreRefused() {
    for (size, alignment) in [(8, 3), (.max, 8), (8, 1 << 63)] as [(UInt64, UInt64)] {
      let storage = ThreadLocalStorage(
        architecture: .x86_64, size: size, imageAddress: 0, alignment: alignment)
      #expect(storage.staticBlock(threadPointer: VirtualAddress(0x1000)) == nil)
    }
  }

  /// In a real core, each thread's own vector must lead to where the fixed rule says.
  @Test(arguments: Laboratory.cores.filter(\.isWhole))
  func theVectorAndTheRuleAgree(_ core: Laboratory.Core) throws {
    let target = try core.inspected().target
    let program = try #require(target.program)
    let storage = try #require(ThreadLocalStorage(of: program, in: target))
    for thread in target.threads {
      let pointer = try #require(thread.threadPointer)
      let block = try storage.dynamicBlock(threadPointer: pointer, memory: target.memory)
      if let block { #expect(block == storage.staticBlock(threadPointer: pointer)) }
    }
  }
}
