import Bytes
import HostSystem
import ObjectFiles
import Targets
import Unwinding

/// Makes a machine out of a dump whose container libkdumpfile reads. Pages that the machine had and
/// the dump doesn't hold are absent because they were excluded.
struct LibraryMachineDump {
  let path: String
  /// What the library calls the format.
  let formatName: String
  private let file: MappedFile
  private let pages: LibraryPageSource
  /// Ranges of pages that are memory.
  private let ranges: [Range<UInt64>]
  private let architectureName: String?
  private let vmcoreInfo: ByteView?

  /// Memory in more pieces than this is damage.
  private static let rangeLimit = 1 << 20

  /// Throws `.unknownFormat` if the library doesn't know the format, else `.container` with what it
  /// says.
  init(_ file: MappedFile, path: String) throws(MachineDumpError) {
    self.file = file
    self.path = path
    do throws(KdumpFailure) {
      let context = try KdumpContext.open(file.file)
      formatName = context.text("file.format") ?? "a format of libkdumpfile's"
      architectureName = context.text("arch.name")
      vmcoreInfo = context.vmcoreInfo()
      ranges = Self.ranges(of: context)
      pages = LibraryPageSource(file.file, context)
    } catch {
      if case .unknownFormat = error.kind { throw .unknownFormat(path: path) }
      throw .container(path: path, reason: error.message)
    }
  }

  private static func ranges(of context: borrowing KdumpContext) -> [Range<UInt64>] {
    guard let memory = context.bitmap("memory.pagemap") ?? context.bitmap("file.pagemap") else {
      return context.number("max_pfn").map { $0 > 0 ? [0..<$0] : [] } ?? []
    }
    var ranges: [Range<UInt64>] = []
    var next: UInt64 = 0
    while ranges.count < rangeLimit, let start = memory.firstSet(from: next) {
      let end = memory.firstClear(from: start) ?? .max
      guard end > start else { break }
      ranges.append(start..<end)
      next = end
    }
    return ranges
  }

  func machine(evidence: [String], diagnostics known: [String]) throws(MachineDumpError) -> Machine
  {
    let architecture: Architecture
    switch architectureName {
    case "x86_64", "ia32", nil: architecture = .x86_64
    case "aarch64": architecture = .aarch64
    case let other?: throw .unsupportedArchitecture(path: path, other)
    }
    var diagnostics: [String] = []
    if architectureName == nil {
      diagnostics.append("the dump doesn't name its CPU; x86-64 assumed")
    }
    if ranges.count == Self.rangeLimit {
      diagnostics.append("memory in more than \(Self.rangeLimit) pieces; the rest is ignored")
    }
    let segments = ranges.compactMap(segment)
    guard !segments.isEmpty else { throw .noMemory(path: path) }
    diagnostics.append("\(formatName): no CPU's registers are read from this dump")
    return Machine(
      architecture: architecture, memory: PhysicalMemory(segments),
      map: PhysicalLayers.map(of: segments), cpus: [],
      vmcoreInfo: vmcoreInfo,
      evidence: evidence + ["memory: \(formatName), by its bitmaps of pages"],
      diagnostics: known + diagnostics)
  }

  private func segment(_ range: Range<UInt64>) -> PhysicalSegment? {
    let (start, overflow) = range.lowerBound.multipliedReportingOverflow(by: pages.pageSize)
    guard !overflow else { return nil }
    let (end, endOverflow) = range.upperBound.multipliedReportingOverflow(by: pages.pageSize)
    return PhysicalSegment(
      start: PhysicalAddress(start), count: (endOverflow ? .max : end) - start,
      contents: .source(pages, offset: start))
  }
}
