import Bytes
import Testing

@Suite struct ByteViewTests {
  private let view = ByteView(copying: [10, 11, 12, 13])

  @Test func subviewsAreChecked() throws {
    #expect(try view.subview(at: 1, count: 2).copy() == [11, 12])
    #expect(try view.subview(at: 4, count: 0).isEmpty)
    #expect(throws: ByteError.outOfBounds(offset: 1, count: 4, available: 4)) {
      try view.subview(at: 1, count: 4)
    }
    #expect(throws: ByteError.outOfBounds(offset: 5, count: 0, available: 4)) {
      try view.subview(at: 5, count: 0)
    }
    #expect(throws: ByteError.self) { try view.subview(at: .max, count: .max) }
  }

  @Test func clampedSubviewsGiveWhatThereIs() {
    #expect(view.clampedSubview(at: 2, count: 9).copy() == [12, 13])
    #expect(view.clampedSubview(at: 9, count: 9).isEmpty)
    #expect(view.clampedSubview(at: .max, count: .max).isEmpty)
  }

  @Test func nestedViewsKnowWhereTheyBegin() throws {
    let inner = try view.subview(at: 1, count: 3).subview(at: 1, count: 1)
    #expect(inner.storageOffset == 2)
    #expect(inner.copy() == [12])
    #expect(throws: ByteError.self) { try inner.load(UInt16.self, at: 0) }
  }

  @Test func addressesDontWrapRound() {
    #expect(VirtualAddress(.max).advanced(by: 1) == nil)
    #expect(VirtualAddress(.max) &+ 1 == VirtualAddress(0))
    #expect(VirtualAddress(5).offset(from: VirtualAddress(6)) == nil)
    #expect("\(VirtualAddress(0xabc))" == "0xabc")
  }
}
