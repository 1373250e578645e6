import Bytes
import Targets

/// Reads memory to see whether something is there. For a search, "nothing to be read" is an answer
/// like any other: the guess was wrong.
struct Probe: Sendable {
  let memory: AddressSpace

  func word(at address: UInt64) -> UInt64? {
    do throws(MemoryFault) {
      return try memory.word(at: VirtualAddress(address))
    } catch {
      // The guess that led here was wrong; the caller drops it.
      return nil
    }
  }

  func long(at address: UInt64) -> UInt32? {
    do throws(MemoryFault) {
      return try memory.load(UInt32.self, at: VirtualAddress(address))
    } catch {
      // As in `word(at:)`.
      return nil
    }
  }

  /// As many of the `count` bytes at `address` as there are before the first missing one.
  func bytes(at address: UInt64, upTo count: UInt64) -> ProbedBytes {
    do throws(MemoryFault) {
      return ProbedBytes(view: try memory.readAvailable(VirtualAddress(address), count: count))
    } catch {
      // As in `word(at:)`.
      return ProbedBytes(view: .empty)
    }
  }

  /// The NUL-terminated text at `address` if it is short and all of it is printable ASCII.
  func text(at address: UInt64, limit: UInt64 = 256) -> String? {
    bytes(at: address, upTo: limit).text(at: 0, limit: limit)
  }

  /// The QOM type of the object at `address`: every `Object` begins with its class, every
  /// `ObjectClass` with its type, every `TypeImpl` with its name (include/qom/object.h,
  /// qom/object.c).
  ///
  ///     Object       0 class ──▶ ObjectClass  0 type ──▶ TypeImpl  0 name ──▶ "memory-region"
  func objectType(at address: UInt64) -> String? {
    guard address & 7 == 0, let objectClass = word(at: address), objectClass & 7 == 0,
      objectClass != 0, let type = word(at: objectClass), type & 7 == 0, type != 0,
      let name = word(at: type), name != 0, let text = text(at: name, limit: 128), !text.isEmpty
    else { return nil }
    return text
  }
}

/// Bytes that may be fewer than were asked for.
struct ProbedBytes: Sendable {
  let view: ByteView

  var count: UInt64 { UInt64(view.count) }

  func word(_ offset: UInt64) -> UInt64? { load(offset) }
  func long(_ offset: UInt64) -> UInt32? { load(offset) }
  func short(_ offset: UInt64) -> UInt16? { load(offset) }
  func byte(_ offset: UInt64) -> UInt8? { load(offset) }

  private func load<Number: FixedWidthInteger & BitwiseCopyable>(_ offset: UInt64) -> Number? {
    guard offset <= count, count - offset >= UInt64(MemoryLayout<Number>.size) else { return nil }
    do throws(ByteError) {
      return try view.load(Number.self, at: offset)
    } catch {
      // Not reached: the bounds were checked.
      return nil
    }
  }

  /// The NUL-terminated text at `offset` if it ends within `limit` bytes and all of it is printable
  /// ASCII.
  func text(at offset: UInt64, limit: UInt64) -> String? {
    let bytes = view.clampedSubview(at: offset, count: limit).copy()
    guard let end = bytes.firstIndex(of: 0),
      bytes[..<end].allSatisfy({ (0x20...0x7e).contains($0) })
    else { return nil }
    return String(decoding: bytes[..<end], as: UTF8.self)
  }

  /// The offsets of words that equal `value`, at multiples of 8 from `start` on.
  func offsets(of value: UInt64, from start: UInt64 = 0) -> [UInt64] {
    guard count >= start + 8 else { return [] }
    var found: [UInt64] = []
    do throws(ByteError) {
      for offset in stride(from: start, through: count - 8, by: 8)
      where try view.load(UInt64.self, at: offset) == value {
        found.append(offset)
      }
    } catch {
      // Not reached: every offset leaves room for a word.
    }
    return found
  }
}
