internal import Bytes
internal import Synchronization

/// Remembers what pages of 4 KiB lie where, as a CPU's TLB does: each page has one slot that it
/// shares with others. Slots are spread over several locks so that threads rarely meet.
struct TranslationCache: Sendable {
  static let pageShift: UInt64 = 12
  static let pageSize: UInt64 = 1 << pageShift
  static let pageMask: UInt64 = pageSize - 1
  static let zeroPage = ByteView(copying: repeatElement(0, count: Int(pageSize)))

  private static let shardCount: UInt64 = 16
  private static let slotCount: UInt64 = 64
  /// No address has this page number.
  private static let empty = UInt64.max

  private final class Shard: Sendable {
    struct Slot {
      var number: UInt64
      var page: ByteView
    }
    let slots: Mutex<ContiguousArray<Slot>>

    init() {
      slots = Mutex(
        ContiguousArray(
          repeating: Slot(number: TranslationCache.empty, page: .empty),
          count: Int(TranslationCache.slotCount)))
    }
  }

  private let shards = ContiguousArray((0..<shardCount).map { _ in Shard() })

  /// The bytes of the page with that number.
  subscript(number: UInt64) -> ByteView? {
    get {
      let index = Int(number / Self.shardCount % Self.slotCount)
      return shards[Int(number % Self.shardCount)].slots.withLock { slots in
        slots[index].number == number ? slots[index].page : nil
      }
    }
    nonmutating set {
      guard let newValue else { return }
      let index = Int(number / Self.shardCount % Self.slotCount)
      shards[Int(number % Self.shardCount)].slots.withLock { slots in
        slots[index] = Shard.Slot(number: number, page: newValue)
      }
    }
  }
}
