import Dispatch
import Synchronization

/// Works on items with several threads and hands the products over in the items' order.
///
/// The thread that calls `run` takes the products, and works on items itself while the next product
/// isn't ready. No more than a few products wait at any time, so memory stays within bounds.
struct OrderedWork<Items: IteratorProtocol & Sendable, Product: Sendable>: Sendable
where Items.Element: Sendable {
  typealias Worker = (Items.Element) throws(VMCoreError) -> Product

  /// Called once by each thread: what works on an item there.
  let makeWorker: @Sendable () throws(VMCoreError) -> Worker

  init(_ makeWorker: @escaping @Sendable () throws(VMCoreError) -> Worker) {
    self.makeWorker = makeWorker
  }

  /// Calls `consume` with the product of each of `items`, in order. `threadCount` threads work, the
  /// calling one included. Stops at the first error, which is that of the earliest item.
  func run(
    _ items: Items, threadCount: Int, _ consume: (consuming Product) throws(VMCoreError) -> Void
  ) throws(VMCoreError) {
    let bench = Bench<Items, Product>(items, window: 2 * threadCount + 2)
    let helpers = DispatchGroup()
    for _ in 1..<max(1, threadCount) {
      DispatchQueue.global().async(group: helpers) { help(bench) }
    }
    defer {
      bench.stop(helperCount: threadCount - 1)
      helpers.wait()
    }
    try consumeAll(bench, consume)
  }

  private func consumeAll(
    _ bench: Bench<Items, Product>, _ consume: (consuming Product) throws(VMCoreError) -> Void
  ) throws(VMCoreError) {
    let worker = try makeWorker()
    while true {
      if let product = bench.takeNext() {
        try consume(product.get())
        bench.freeSlot()
      } else if let claim = bench.claimIfSlot() {
        bench.deposit(Self.result(worker, claim.item), number: claim.number)
      } else if bench.isDone {
        return
      } else {
        bench.awaitDeposit()
      }
    }
  }

  private func help(_ bench: Bench<Items, Product>) {
    var worker: Worker?
    while let claim = bench.claim() {
      do throws(VMCoreError) {
        let ready: Worker
        if let worker { ready = worker } else { ready = try makeWorker() }
        worker = ready
        bench.deposit(Self.result(ready, claim.item), number: claim.number)
      } catch {
        bench.deposit(.failure(error), number: claim.number)
      }
    }
  }

  private static func result(_ worker: Worker, _ item: Items.Element) -> Result<
    Product, VMCoreError
  > {
    do throws(VMCoreError) {
      return .success(try worker(item))
    } catch {
      return .failure(error)
    }
  }
}

/// Where items are taken from and products laid down.
private final class Bench<Items: IteratorProtocol & Sendable, Product: Sendable>: Sendable
where Items.Element: Sendable {
  struct State: Sendable {
    var items: Items
    var isExhausted = false
    var claimed = 0
    var taken = 0
    var ready: [Int: Result<Product, VMCoreError>] = [:]
  }

  private let state: Mutex<State>
  /// One for each item that may be claimed before an earlier one is taken.
  private let slots = DispatchSemaphore(value: 0)
  private let deposits = DispatchSemaphore(value: 0)

  init(_ items: Items, window: Int) {
    state = Mutex(State(items: items))
    // Not the initial value: the library wants a semaphore to end with no less than that.
    for _ in 0..<window { slots.signal() }
  }

  /// The next item, once there is room for its product; nil if there is none any more.
  func claim() -> (number: Int, item: Items.Element)? {
    slots.wait()
    return claimWithSlot()
  }

  /// The next item if there is room for its product.
  func claimIfSlot() -> (number: Int, item: Items.Element)? {
    slots.wait(timeout: .now()) == .success ? claimWithSlot() : nil
  }

  private func claimWithSlot() -> (number: Int, item: Items.Element)? {
    let claim = state.withLock { state -> (Int, Items.Element)? in
      guard !state.isExhausted else { return nil }
      guard let item = state.items.next() else {
        state.isExhausted = true
        return nil
      }
      state.claimed += 1
      return (state.claimed - 1, item)
    }
    if claim == nil { slots.signal() }
    return claim
  }

  func deposit(_ product: Result<Product, VMCoreError>, number: Int) {
    state.withLock { $0.ready[number] = product }
    deposits.signal()
  }

  /// The product whose turn it is, if it is ready.
  func takeNext() -> Result<Product, VMCoreError>? {
    state.withLock { state in
      guard let product = state.ready.removeValue(forKey: state.taken) else { return nil }
      state.taken += 1
      return product
    }
  }

  func freeSlot() { slots.signal() }

  func awaitDeposit() { deposits.wait() }

  /// Whether every item's product was taken.
  var isDone: Bool { state.withLock { $0.isExhausted && $0.taken == $0.claimed } }

  /// Ends all claims, and wakes those who wait for one.
  func stop(helperCount: Int) {
    state.withLock { $0.isExhausted = true }
    for _ in 0..<max(0, helperCount) { slots.signal() }
  }
}
