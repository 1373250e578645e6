import Bytes
import Symbols
import Targets

extension TypedAddress {
  /// The `Int128` here (include/qemu/int128.h): the compiler's own, or a structure of the low half
  /// and the high one. Their bytes are the same on a little-endian machine.
  func unsigned128() throws(StructureError) -> UInt128 {
    guard try byteCount() == 16 else { throw .wrongType(wanted: "Int128", address: address) }
    do throws(MemoryFault) {
      let low = try memory.word(at: address)
      let high = try memory.word(at: address &+ 8)
      return UInt128(high) << 64 | UInt128(low)
    } catch {
      throw .memory(error)
    }
  }
}
