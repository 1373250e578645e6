import Bytes
import Testing

@testable import Targets

/// Chains of tail calls between functions that are only numbers: function `n` begins at `n`, and
/// the jump from `a` to `b` returns to `100 * a + b`.
@Suite struct TailCallSearchTests {
  private func search(_ jumps: [UInt64: [UInt64?]]) -> TailCallSearch {
    TailCallSearch { function in
      jumps[function.rawValue]?.map { target in
        TailCallSite(
          returnAddress: VirtualAddress(100 * function.rawValue + (target ?? 99)),
          target: target.map { VirtualAddress($0) })
      }
    }
  }

  private func chain(
    _ jumps: [UInt64: [UInt64?]], from start: UInt64 = 1, to end: UInt64 = 9
  ) -> [UInt64] {
    search(jumps).returnAddresses(from: VirtualAddress(start), to: VirtualAddress(end))
      .map(\.rawValue)
  }

  @Test func aDirectCallHasNoChain() { #expect(chain([1: [9]], from: 9) == []) }

  @Test func oneChainIsGivenInnermostFirst() {
    #expect(chain([1: [2], 2: [3, 4], 3: [9], 4: []]) == [309, 203, 102])
  }

  @Test func onlyCommonEndsAreGivenOfSeveralChains() {
    #expect(chain([1: [2], 2: [3, 4], 3: [5], 4: [5], 5: [9]]) == [509, 102])
    #expect(chain([1: [2], 2: [3, 4], 3: [9], 4: [9]]) == [102])
    #expect(chain([1: [2, 3], 2: [4], 3: [4], 4: [9]]) == [409])
    #expect(chain([1: [2, 3], 2: [9], 3: [9]]) == [])
    #expect(chain([1: [2, 9], 2: [9]]) == [])
  }

  @Test func aLoopOnTheWayLeavesItsEnds() {
    // Whether 2 jumped to itself, or how often 3 led back to 2, can't be known.
    #expect(chain([1: [2], 2: [2, 9]]) == [209, 102])
    #expect(chain([1: [2], 2: [3], 3: [2, 9]]) == [309, 203, 102])
    #expect(chain([1: [1, 9]]) == [109])
  }

  @Test func whatIsUnknownOnTheWayLeavesNothingCertain() {
    #expect(chain([1: [2, nil], 2: [9]]) == [])
    #expect(chain([1: [2, 3], 2: [9]]) == [], "nothing is known of function 3")
    #expect(chain([:]) == [])
    #expect(chain([1: [2], 2: []]) == [], "no chain at all")
  }

  /// The called function may jump where it likes: it has a frame.
  @Test func whatTheCalleeDoesIsNoMatter() { #expect(chain([1: [9], 9: [nil]]) == [109]) }

  @Test func aJumpWithoutReturnAddressLeavesNothingToShow() {
    let search = TailCallSearch { _ in
      [TailCallSite(returnAddress: nil, target: VirtualAddress(9))]
    }
    #expect(search.returnAddresses(from: VirtualAddress(1), to: VirtualAddress(9)) == [])
  }

  /// Two ways at each of 40 forks are a billion times more than can be tried.
  @Test func tooManyChainsEndTheSearch() {
    var jumps: [UInt64: [UInt64?]] = [:]
    for fork in UInt64(1)...40 {
      jumps[10 * fork] = [10 * fork + 1, 10 * fork + 2]
      jumps[10 * fork + 1] = [10 * (fork + 1)]
      jumps[10 * fork + 2] = [10 * (fork + 1)]
    }
    jumps[1] = [10]
    jumps[410] = [9]
    #expect(chain(jumps) == [])
  }

  @Test func endlesslyManyFunctionsEndTheSearch() {
    let search = TailCallSearch { function in
      [TailCallSite(returnAddress: function, target: function &+ 10)]
    }
    #expect(search.returnAddresses(from: VirtualAddress(1), to: VirtualAddress(9)) == [])
    #expect(search.mayReturnToStart(of: VirtualAddress(1)))
  }

  @Test func selfCallsAreFoundThroughOthers() {
    func may(_ jumps: [UInt64: [UInt64?]]) -> Bool {
      search(jumps).mayReturnToStart(of: VirtualAddress(1))
    }
    #expect(!may([1: []]))
    #expect(!may([1: [2], 2: [3], 3: [2]]))
    #expect(may([1: [1]]))
    #expect(may([1: [2], 2: [3], 3: [1]]))
    #expect(may([1: [nil]]))
    #expect(may([1: [2]]), "nothing is known of function 2")
  }
}
