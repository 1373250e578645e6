import FuzzSupport
import Varve

/// The bytes as an ORC table, of each layout: the first half addresses (4 bytes each), the rest
/// entries (6 bytes each).
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzORC(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
  let bytes = unsafe copied(data, size)
  let start = VirtualAddress(0xffff_ffff_8200_0000)
  let memory = FuzzMemory(bytes, at: start)
  let count = UInt64(bytes.count) / 10
  // One more than there are, so that the last one is cut.
  let place = ORCTable<FuzzMemory>.Place(
    addresses: start, entries: start &+ count * 4, count: count + 1)
  let code = VirtualAddress(0xffff_ffff_8100_0000)..<VirtualAddress(0xffff_ffff_8300_0000)
  for layout in ORCLayout.allCases {
    let table = ORCTable(place, layout: layout, in: memory, code: code)
    for index in 0..<min(count, 64) {
      attempt { () throws(MemoryFault) in
        let element = start &+ index * 4
        let distance = Int64(try memory.load(Int32.self, at: element))
        let address = element &+ UInt64(bitPattern: distance)
        for place in [address, address &+ 1, address &- 1] {
          attempt { () throws(UnwindError) in _ = try table.row(at: place) }
        }
      }
    }
    for place in [code.lowerBound, code.upperBound, VirtualAddress(0), VirtualAddress(.max)] {
      attempt { () throws(UnwindError) in _ = try table.row(at: place) }
    }
  }
  return 0
}
