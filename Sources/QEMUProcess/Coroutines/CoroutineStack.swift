public import Bytes

/// A coroutine's stack.
public struct CoroutineStack: Hashable, Sendable {
  /// Its lowest address: the guard page's, where there is one.
  public let base: VirtualAddress
  /// In bytes, with the guard page.
  public let size: UInt64
  /// The first address that can be written.
  public let usableStart: VirtualAddress

  public init(base: VirtualAddress, size: UInt64, usableStart: VirtualAddress) {
    self.base = base
    self.size = size
    self.usableStart = usableStart
  }

  /// The first address past the stack; the stack grows down from here.
  public var end: VirtualAddress { base &+ size }

  /// In bytes; 0 if the stack has none.
  public var guardSize: UInt64 { usableStart.offset(from: base) ?? 0 }

  public func contains(_ address: VirtualAddress) -> Bool {
    usableStart <= address && address < end
  }

  /// How many bytes of the stack, from its end, have ever been used: down to the lowest word that
  /// isn't 0. `isComplete` is false if some of its pages are missing from the dump; the number is
  /// then a lower bound.
  public func deepestUse(in memory: some Memory) -> (bytes: UInt64, isComplete: Bool) {
    let pageSize: UInt64 = 0x1000
    var page = usableStart
    var isComplete = true
    while page < end {
      do throws(MemoryFault) {
        let bytes = try memory.read(page, count: pageSize)
        if let offset = Self.firstNonzeroWord(in: bytes) {
          return (end.rawValue - page.rawValue - offset, isComplete)
        }
      } catch {
        isComplete = false
      }
      page = page &+ pageSize
    }
    return (0, isComplete)
  }

  private static func firstNonzeroWord(in bytes: ByteView) -> UInt64? {
    var offset: UInt64 = 0
    while true {
      do throws(ByteError) {
        if try bytes.load(UInt64.self, at: offset) != 0 { return offset }
      } catch {
        // The view's end.
        return nil
      }
      offset += 8
    }
  }
}
