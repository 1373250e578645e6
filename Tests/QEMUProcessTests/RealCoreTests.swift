import Bytes
import Foundation
import QEMUProcess
import Testing
import Unwinding

@Suite("Coroutines of real cores", .serialized)
struct RealCoreTests {
  @Test(arguments: Laboratory.cores)
  func findsTheCoroutinesThatExistAndNoOthers(_ core: Laboratory.Core) throws {
    let truth = try Laboratory.Truth.of(core)
    let inspection = try core.inspected().inspection
    let coroutines = inspection.coroutines.coroutines
    let found = Dictionary(uniqueKeysWithValues: coroutines.map { ($0.address, $0) })

    // Every one was seen by QEMU's own trace.
    let seen = Set(truth.pointersSeen.compactMap { address($0) })
    #expect(Set(found.keys).subtracting(seen).sorted() == [])
    // A stack has one owner.
    #expect(Set(coroutines.map(\.stack)).count == coroutines.count)
    if core.isWhole {
      // Of the stacks that are mappings of their own, none was missed. Those that aren't, because
      // the kernel joined them with a neighbour, the laboratory doesn't count.
      let ownMappings = coroutines.filter { coroutine in
        let mapping = inspection.process.mapping(containing: coroutine.stack.usableStart)
        return mapping?.end == coroutine.stack.end
      }
      #expect(ownMappings.count == truth.liveStackCount)
    }
    for known in truth.live ?? [] {
      guard let pointer = address(known.pointer), let coroutine = found[pointer] else {
        #expect(!core.isWhole, "\(known.pointer) was missed")
        continue
      }
      #expect(coroutine.stack.base == address(known.stack))
      #expect(coroutine.stack.size == known.stackSize)
      #expect(coroutine.argument == address(known.entryArg)?.rawValue)
      #expect(coroutine.locksHeld == known.locksHeld)
      #expect((coroutine.caller ?? VirtualAddress(0)) == address(known.caller))
    }
  }

  @Test(arguments: Laboratory.cores.filter(\.isWhole))
  func tellsEndedFromSuspended(_ core: Laboratory.Core) throws {
    let truth = try Laboratory.Truth.of(core)
    let inspection = try core.inspected().inspection
    #expect(inspection.coroutines.diagnostics == [])
    #expect(inspection.backend?.rawValue == core.backend)
    #expect(inspection.identity?.version != nil)
    let idle = Dictionary(
      uniqueKeysWithValues: (truth.live ?? []).compactMap { known in
        address(known.pointer).map { ($0, known.idle) }
      })
    for coroutine in inspection.coroutines.coroutines {
      #expect(coroutine.doubts == [])
      guard let idle = idle[coroutine.address] else { continue }
      #expect(coroutine.state.isLive == !idle, "\(coroutine.address): \(coroutine.state)")
    }
  }

  /// A walker for a core whose program is nowhere to be had.
  private struct NoFrames: StackWalker {
    func programCounters(from registers: RegisterState, limit: Int) -> [VirtualAddress] { [] }
    func functionStart(of counter: VirtualAddress) -> VirtualAddress? { nil }
  }

  @Test(arguments: Laboratory.cores.filter { $0.isWhole && $0.backend == "ucontext" })
  func depthsAgreeWithUnwinding(_ core: Laboratory.Core) throws {
    let inspection = try core.inspected().inspection
    var blind = inspection.coroutines
    for index in blind.coroutines.indices {
      switch blind.coroutines[index].state {
      case .suspended, .terminated, .idle, .created: blind.coroutines[index].state = .inactive
      case .running, .entering, .inactive, .scheduled: continue
      }
    }
    blind.classify(in: inspection.process, with: NoFrames())
    for (seen, guessed) in zip(inspection.coroutines.coroutines, blind.coroutines) {
      #expect(seen.state.isLive == guessed.state.isLive, "\(seen.address): \(guessed.state)")
      #expect(guessed.state != .inactive)
    }
  }

  @Test(arguments: Laboratory.cores.filter { $0.isWhole && !$0.isStripped })
  func qemusOwnListsAgree(_ core: Laboratory.Core) throws {
    let inspection = try core.inspected().inspection
    #expect(inspection.hasDebugInformation)
    #expect(inspection.waits.diagnostics == [])
    #expect(inspection.waits.cycles == [])
    // Whatever has ended is in a pool.
    #expect(!inspection.coroutines.coroutines.contains { $0.state == .terminated })
  }

  /// gdb's backtraces say who waits for a lock or in a queue; the graph must say the same.
  @Test(arguments: Laboratory.cores.filter { $0.isWhole && !$0.isStripped })
  func waitsAreThoseThatBacktracesShow(_ core: Laboratory.Core) throws {
    let path = try #require(core.truth["gdb_coroutines"])
    let text = try String(contentsOfFile: path, encoding: .utf8)
    var inLock: Set<VirtualAddress> = []
    var inQueue: Set<VirtualAddress> = []
    for section in text.components(separatedBy: "Coroutine 0x").dropFirst() {
      let pointer = try #require(address("0x" + section.prefix { $0.isHexDigit }))
      // Below the coroutine's first function gdb goes on with whatever it takes for frames.
      let frames = try #require(section.components(separatedBy: "coroutine_trampoline (").first)
      if frames.contains("qemu_co_mutex_lock_slowpath (") { inLock.insert(pointer) }
      if frames.contains("qemu_co_queue_wait_impl (") { inQueue.insert(pointer) }
    }
    let edges = try core.inspected().inspection.waits.edges
    func waiters(_ reason: WaitEdge.Reason) -> Set<VirtualAddress> {
      Set(edges.filter { $0.reason == reason }.map(\.from.address))
    }
    // gdb was shown the coroutines whose stacks are mappings of their own.
    let shown = Set((try Laboratory.Truth.of(core).live ?? []).compactMap { address($0.pointer) })
    #expect(!inQueue.isEmpty)
    #expect(waiters(.waitsForLock).intersection(shown) == inLock)
    #expect(waiters(.waitsInQueue).intersection(shown) == inQueue)
  }

  @Test(arguments: Laboratory.cores.filter(\.isWhole).prefix(1))
  func worksOutThePointerGuard(_ core: Laboratory.Core) throws {
    let told = try core.inspected().inspection
    let process = told.process
    let blind = HostProcess(
      mappings: process.mappings,
      threads: process.threads.map {
        HostThread(id: $0.id, registers: $0.registers, threadPointer: nil)
      }, memory: process.memory)
    let recovered = CoroutineScanner(blind).scan()
    #expect(recovered.pointerGuard?.value == told.coroutines.pointerGuard?.value)
    #expect(
      recovered.coroutines.map(\.address) == told.coroutines.coroutines.map(\.address))
    guard case .recovered = recovered.pointerGuard?.source else {
      Issue.record("the guard wasn't worked out")
      return
    }
  }
}
