import Synchronization
import Testing

@testable import MachineDumps

@Suite struct OrderedWorkTests {
  private typealias Squares = OrderedWork<IndexingIterator<Range<Int>>, Int>

  /// An error that tells which item it is of.
  private func failure(_ item: Int) -> VMCoreError { .compression("item \(item)") }

  @Test(arguments: [1, 2, 5, 16]) func productsComeInOrder(threadCount: Int) throws {
    let work = Squares { { item throws(VMCoreError) in item * item } }
    for count in [0, 1, 3, 1000] {
      var products: [Int] = []
      try work.run((0..<count).makeIterator(), threadCount: threadCount) {
        product throws(VMCoreError) in
        products.append(product)
      }
      #expect(products == (0..<count).map { $0 * $0 })
    }
  }

  @Test(arguments: [1, 2, 8]) func theEarliestErrorCounts(threadCount: Int) {
    let work = Squares {
      { item throws(VMCoreError) in
        if item % 100 == 77 { throw .compression("item \(item)") }
        return item
      }
    }
    var products: [Int] = []
    #expect(throws: failure(77)) {
      try work.run((0..<1000).makeIterator(), threadCount: threadCount) {
        product throws(VMCoreError) in
        products.append(product)
      }
    }
    #expect(products == Array(0..<77))
  }

  @Test(arguments: [1, 4]) func consumersMayStop(threadCount: Int) {
    let work = Squares { { item throws(VMCoreError) in item } }
    var count = 0
    #expect(throws: failure(0)) {
      try work.run((0..<1000).makeIterator(), threadCount: threadCount) {
        _ throws(VMCoreError) in
        count += 1
        if count == 10 { throw .compression("item 0") }
      }
    }
    #expect(count == 10)
  }

  @Test(arguments: [1, 4]) func workersThatCannotBeMade(threadCount: Int) {
    let work = Squares { () throws(VMCoreError) in throw .compression("item 0") }
    #expect(throws: failure(0)) {
      try work.run((0..<1000).makeIterator(), threadCount: threadCount) {
        _ throws(VMCoreError) in
      }
    }
  }

  @Test func fewProductsWait() throws {
    // How far the work is ahead of what was consumed.
    let begun = Mutex(0)
    let work = Squares {
      { item throws(VMCoreError) in
        begun.withLock { $0 = max($0, item + 1) }
        return item
      }
    }
    var consumed = 0
    try work.run((0..<2000).makeIterator(), threadCount: 4) { _ throws(VMCoreError) in
      consumed += 1
      #expect(begun.withLock { $0 } <= consumed + 10)
    }
  }
}
