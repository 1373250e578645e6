import Bytes
import Targets

/// A virtio-mem device, of whose memory only the blocks are there that the guest has plugged in
/// (include/hw/virtio/virtio-mem.h: `bitmap`, `bitmap_size`, `block_size`). The others read as
/// nothing, and QEMU leaves them out of its own dumps.
struct VirtualMemoryDevice {
  /// TYPE_VIRTIO_MEM.
  static let typeName = "virtio-mem"

  private let bitmap: ByteView
  private let bits: UInt64
  private let blockSize: UInt64

  /// A bitmap of more bytes than this belongs to no device: it would describe 16 TiB in the blocks
  /// that x86 has, of 2 MiB.
  private static let bitmapLimit: UInt64 = 1 << 20
  /// More parts than this are looked for in no device: the rest of it counts as not plugged in.
  private static let partLimit = 1 << 16

  init(_ device: TypedAddress) throws(StructureError) {
    bits = try device.member("bitmap_size").signed().magnitude
    blockSize = try device.member("block_size").unsigned()
    let place = VirtualAddress(try device.member("bitmap").unsigned())
    let count = bits / 8 + (bits % 8 == 0 ? 0 : 1)
    guard blockSize > 0, count <= Self.bitmapLimit else {
      throw .wrongType(wanted: "virtio-mem bitmap", address: place)
    }
    do throws(MemoryFault) {
      bitmap = try device.memory.read(place, count: count)
    } catch {
      throw .memory(error)
    }
  }

  private func isPlugged(_ block: UInt64) -> Bool {
    guard block < bits else { return false }
    return bitmap.bytes[Int(block / 8)] >> (block % 8) & 1 != 0
  }

  /// The parts of `range`, whose offset counts from the start of the device's memory, that are
  /// plugged in.
  func plugged(of range: GuestFlatRange) -> [GuestFlatRange] {
    let (end, overflow) = range.offset.addingReportingOverflow(range.count)
    guard !overflow else { return [] }
    var parts: [GuestFlatRange] = []
    var block = range.offset / blockSize
    while block < bits, block.multipliedClamped(by: blockSize) < end, parts.count < Self.partLimit {
      guard isPlugged(block) else {
        block += 1
        continue
      }
      let first = block
      while isPlugged(block) { block += 1 }
      let start = max(first.multipliedClamped(by: blockSize), range.offset)
      let stop = min(block.multipliedClamped(by: blockSize), end)
      guard start < stop else { continue }
      parts.append(
        GuestFlatRange(
          start: range.start &+ (start - range.offset), count: stop - start, kind: range.kind,
          block: range.block, offset: start))
    }
    return parts
  }
}

extension UInt64 {
  /// The product, or the largest number if it doesn't fit.
  fileprivate func multipliedClamped(by factor: UInt64) -> UInt64 {
    let (product, overflow) = multipliedReportingOverflow(by: factor)
    return overflow ? .max : product
  }
}
