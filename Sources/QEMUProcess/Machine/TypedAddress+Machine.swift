import Bytes
import Symbols
import Targets

extension TypedAddress {
  /// Whether the C boolean here is set.
  func isTrue() throws(QEMUError) -> Bool { try unsigned() != 0 }

  /// How many bytes the type has; nil for a mere declaration.
  func byteCount() throws(QEMUError) -> UInt64? {
    do throws(SymbolError) {
      return try type.size()
    } catch {
      throw .symbols(error)
    }
  }

  /// The `Int128` here (include/qemu/int128.h): the compiler's own, or a structure of the low half
  /// and the high one. Their bytes are the same on a little-endian machine.
  func unsigned128() throws(QEMUError) -> UInt128 {
    guard try byteCount() == 16 else { throw .wrongType(wanted: "Int128", address: address) }
    do throws(MemoryFault) {
      let low = try memory.word(at: address)
      let high = try memory.word(at: address &+ 8)
      return UInt128(high) << 64 | UInt128(low)
    } catch {
      throw .memory(error)
    }
  }

  /// The `count` bytes here, whatever the type's size.
  func bytes(count: UInt64) throws(QEMUError) -> [UInt8] {
    do throws(MemoryFault) {
      return try memory.read(address, count: count).copy()
    } catch {
      throw .memory(error)
    }
  }
}
