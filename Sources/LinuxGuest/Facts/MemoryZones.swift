internal import Bytes
internal import Symbols
internal import Targets

/// The zones of all memory nodes (include/linux/mmzone.h).
enum MemoryZones {
  /// No kernel has more nodes (`MAX_NUMNODES`), no node more zones.
  private static let nodeLimit: UInt64 = 1024
  private static let zoneLimit: UInt64 = 16
  /// `WMARK_LOW` of `enum zone_watermarks`.
  private static let low: UInt64 = 1

  /// The sum of `low_wmark_pages()`.
  static func lowMarks(_ kernel: LinuxKernel) throws(StructureError) -> UInt64 {
    var sum: UInt64 = 0
    for node in try nodes(kernel) {
      let zones = try node.member("node_zones")
      for index in 0..<(try zoneCount(zones)) {
        let zone = try zones.element(index)
        // The boost came with 5.0, as did the underscore.
        sum &+= try zone.member("_watermark").element(low).unsigned()
        sum &+= try zone.member("watermark_boost").unsigned()
      }
    }
    return sum
  }

  /// How long `node_zones` is: MAX_NR_ZONES.
  private static func zoneCount(_ zones: TypedAddress) throws(StructureError) -> UInt64 {
    guard let all = try zones.byteCount(), let one = try zones.element(0).byteCount(), one > 0,
      all / one <= zoneLimit
    else { throw .wrongType(wanted: "array of zones", address: zones.address) }
    return all / one
  }

  /// With CONFIG_NUMA the pointers in `node_data`, of which those to nodes that were never there are
  /// null; without, `contig_page_data`.
  private static func nodes(_ kernel: LinuxKernel) throws(StructureError) -> [TypedAddress] {
    guard let table = kernel.symbols.symbol(named: "node_data") else {
      return [try kernel.variable("contig_page_data", "struct pglist_data")]
    }
    var nodes: [TypedAddress] = []
    for index in 0..<(try nodeCount(kernel)) {
      let pointer = try kernel.word(at: VirtualAddress(table.address) &+ index * 8)
      guard pointer != 0 else { continue }
      nodes.append(try kernel.object("struct pglist_data", at: VirtualAddress(pointer)))
    }
    return nodes
  }

  /// How many nodes the kernel is built for: the bits of a `nodemask_t`.
  private static func nodeCount(_ kernel: LinuxKernel) throws(StructureError) -> UInt64 {
    do throws(SymbolError) {
      guard let size = try kernel.types.type(named: "nodemask_t")?.size() else { return 1 }
      return min(max(1, size), nodeLimit / 8) * 8
    } catch {
      throw .symbols(error)
    }
  }
}
