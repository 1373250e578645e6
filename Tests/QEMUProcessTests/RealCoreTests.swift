import Bytes
import QEMUProcess
import Targets
import Testing

@Suite("Coroutines of real cores")
struct RealCoreTests {
  @Test(arguments: Laboratory.cores)
  func findsTheCoroutinesThatExistAndNoOthers(_ core: Laboratory.Core) throws {
    let truth = try Laboratory.Truth.of(core)
    let process = HostProcess(try core.process(files: true))
    let result = CoroutineScanner(process).scan()
    let found = Dictionary(uniqueKeysWithValues: result.coroutines.map { ($0.address, $0) })

    // Every one was seen by QEMU's own trace.
    let seen = Set(truth.pointers_seen.compactMap { address($0) })
    #expect(Set(found.keys).subtracting(seen).sorted() == [])
    // A stack has one owner.
    #expect(Set(result.coroutines.map(\.stack)).count == result.coroutines.count)
    if core.isWhole {
      // Of the stacks that are mappings of their own, none was missed. Those that aren't, because
      // the kernel joined them with a neighbour, the laboratory doesn't count.
      let ownMappings = result.coroutines.filter { coroutine in
        process.mapping(containing: coroutine.stack.usableStart)?.end == coroutine.stack.end
      }
      #expect(ownMappings.count == truth.live_stack_count)
    }
    for known in truth.live ?? [] {
      guard let pointer = address(known.pointer), let coroutine = found[pointer] else {
        #expect(!core.isWhole, "\(known.pointer) was missed")
        continue
      }
      #expect(coroutine.stack.base == address(known.stack))
      #expect(coroutine.stack.size == known.stack_size)
      #expect(coroutine.argument == address(known.entry_arg)?.rawValue)
      #expect(coroutine.locksHeld == known.locks_held)
      #expect((coroutine.caller ?? VirtualAddress(0)) == address(known.caller))
    }
  }

  @Test(arguments: Laboratory.cores.filter(\.isWhole))
  func tellsEndedFromSuspendedByUnwinding(_ core: Laboratory.Core) throws {
    let truth = try Laboratory.Truth.of(core)
    let target = try core.process(files: true)
    let process = HostProcess(target)
    var result = CoroutineScanner(process).scan()
    result.classify(in: process, with: ProcessStackWalker(target))
    let idle = Dictionary(
      uniqueKeysWithValues: (truth.live ?? []).compactMap { known in
        address(known.pointer).map { ($0, known.idle) }
      })
    for coroutine in result.coroutines {
      #expect(coroutine.doubts == [])
      guard let idle = idle[coroutine.address] else { continue }
      #expect(coroutine.state.isLive == !idle, "\(coroutine.address): \(coroutine.state)")
    }
  }

  @Test(arguments: Laboratory.cores.filter { $0.isWhole && !$0.isStripped })
  func qemusOwnListsAgree(_ core: Laboratory.Core) throws {
    let inspection = QEMUInspection(try core.process(files: true))
    #expect(inspection.hasDebugInformation)
    #expect(inspection.coroutines.diagnostics == [])
    #expect(inspection.identity?.version?.hasPrefix("7.2.") == true)
    #expect(inspection.backend?.rawValue == core.backend)
    for coroutine in inspection.coroutines.coroutines {
      // Whatever has ended is in a pool, and nothing else is.
      #expect(coroutine.state != .terminated)
      #expect(coroutine.doubts == [])
    }
    #expect(inspection.waits.diagnostics == [])
    #expect(inspection.waits.cycles == [])
  }

  @Test(arguments: Laboratory.cores.filter(\.isWhole).prefix(1))
  func worksOutThePointerGuard(_ core: Laboratory.Core) throws {
    let process = HostProcess(try core.process(files: true))
    let blind = HostProcess(
      mappings: process.mappings,
      threads: process.threads.map {
        HostThread(id: $0.id, registers: $0.registers, threadPointer: nil)
      }, memory: process.memory)
    let told = CoroutineScanner(process).scan()
    let recovered = CoroutineScanner(blind).scan()
    #expect(recovered.pointerGuard?.value == told.pointerGuard?.value)
    #expect(recovered.coroutines.map(\.address) == told.coroutines.map(\.address))
    guard case .recovered = recovered.pointerGuard?.source else {
      Issue.record("the guard wasn't worked out")
      return
    }
  }
}
