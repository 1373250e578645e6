import Bytes
import ObjectFiles
import Targets
import Unwinding

/// Makes a machine out of a kdump-compressed dump. Pages that the machine had and
/// the dump doesn't hold are absent because they were excluded.
struct KdumpMachineDump {
  private let container: KdumpContainer
  private let path: String

  /// Memory in more pieces than this is damage.
  private static let rangeLimit = 1 << 20

  init(_ container: KdumpContainer, path: String) {
    self.container = container
    self.path = path
  }

  /// Throws `.noMemory`.
  func machine(
    evidence: [String], diagnostics known: [String]
  ) throws(MachineDumpError) -> Machine {
    var container = container
    var ranges = container.memory.ranges(limit: Self.rangeLimit)
    var diagnostics: [String] = []
    if ranges.count == Self.rangeLimit {
      diagnostics.append("memory in more than \(Self.rangeLimit) pieces; the rest is ignored")
    }
    if ranges.isEmpty { ranges = container.present.ranges(limit: Self.rangeLimit) }
    guard !ranges.isEmpty else { throw .noMemory(path: path) }
    let source = KdumpPageSource(container)
    let segments = ranges.map { range in
      let start = range.lowerBound * container.pageSize
      return PhysicalSegment(
        start: PhysicalAddress(start),
        count: range.upperBound * container.pageSize - start,
        contents: .source(source, offset: start))
    }
    let notes = DumpNotes(container.notes(), machine: container.machine)
    let vmcoreInfo = container.vmcoreInfo() ?? notes.vmcoreInfo
    return Machine(
      architecture: container.architecture, memory: PhysicalMemory(segments),
      map: PhysicalLayers.map(of: segments), cpus: notes.cpus, vmcoreInfo: vmcoreInfo,
      evidence: evidence + [
        "memory: kdump-compressed, version \(container.header.version), by its bitmaps of pages"
      ],
      diagnostics: known + container.diagnostics + diagnostics + notes.diagnostics)
  }
}
