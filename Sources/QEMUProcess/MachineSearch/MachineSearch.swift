public import Bytes
public import Targets

/// Finds the guest's memory and CPUs in a QEMU process without symbols.
///
/// QEMU's structures are found by their shape and by how they point to each other, beginning at the
/// program's variables, which no guest can write. Where they can't be read, memory is told by its
/// contents.
public struct MachineSearch: Sendable {
  public let process: HostProcess
  /// Where the program's variables are: `.data` and `.bss`.
  public let globals: [Range<VirtualAddress>]
  /// Nil if it isn't known. It says how some values are encoded; no structure is found by it.
  public let release: QEMURelease?
  /// Tells whether a CPU's thread was within translated code; nil where no stack can be walked.
  let walker: (any StackWalker)?

  public init(process: HostProcess, globals: [Range<VirtualAddress>], release: QEMURelease?) {
    self.init(process: process, globals: globals, release: release, walker: nil)
  }

  init(
    process: HostProcess, globals: [Range<VirtualAddress>], release: QEMURelease?,
    walker: (any StackWalker)?
  ) {
    self.process = process
    self.globals = globals
    self.release = release
    self.walker = walker
  }

  /// What rests on what.
  public enum Confidence: String, Hashable, Sendable {
    /// Structures of QEMU's that point to each other.
    case structures
    /// Contents of the memory that agree with one possible map only.
    case contents
    /// The user's word.
    case given
  }

  public struct Result: Sendable {
    public var layout: GuestMemoryLayout
    public var confidence: Confidence
    public var cpus: [VCPU]
    /// `pc-i440fx-7.2`; nil if unknown.
    public var type: String?
    public var accelerator: Accelerator?
    /// How the CPUs were found, a line each.
    public var evidence: [String]
    /// What is doubtful about the CPUs, a line each.
    public var diagnostics: [String]
  }

  /// Searches for everything. `given` memory isn't searched for.
  public func search(
    given: [GivenRAM] = [], windows: some MemoryWindows = MappedWindows()
  ) throws(MachineSearchError) -> Result {
    let pointers = GlobalPointers(in: globals, of: process, windows: windows)
    let probe = Probe(memory: process.memory)
    let machine = FoundMachineObject(pointers, probe)
    let lists = CPUList.search(pointers, probe)
    let list = lists.count == 1 ? lists[0] : nil
    let (layout, confidence) = try memory(given, pointers, probe, windows)
    var result = Result(
      layout: layout, confidence: confidence, cpus: [], type: machine?.name,
      accelerator: machine?.accelerator, evidence: [], diagnostics: [])
    if let machine {
      result.evidence.append("the machine's object at \(hex(machine.address)) is a \(machine.name)")
    }
    if let list {
      let search = CPUSearch(
        list: list, process: process, layout: layout, accelerator: machine?.accelerator,
        release: release ?? oldestRelease(having: machine), walker: walker)
      search.read(into: &result)
    } else {
      result.diagnostics.append(
        lists.isEmpty
          ? "QEMU's list of CPUs wasn't found" : "\(lists.count) lists could be QEMU's CPUs")
    }
    return result
  }

  /// A machine that came with a release since which nothing has changed tells as much as the
  /// release itself.
  private func oldestRelease(having machine: FoundMachineObject?) -> QEMURelease? {
    machine.flatMap { QEMURelease(machine: $0.name) }.flatMap { oldest in
      oldest >= .newestChange ? oldest : nil
    }
  }

  private func memory(
    _ given: [GivenRAM], _ pointers: GlobalPointers, _ probe: Probe, _ windows: some MemoryWindows
  ) throws(MachineSearchError) -> (GuestMemoryLayout, Confidence) {
    if !given.isEmpty { return (try GuestMemoryLayout(given: given), .given) }
    let found = structures(pointers, probe)
    if found.count == 1 { return (found[0], .structures) }
    if found.count > 1 {
      throw .ambiguous(
        what: "which list is QEMU's memory", candidates: found.map { $0.evidence[0] })
    }
    return (try ContentSearch(process: process).layout(windows: windows), .contents)
  }

  private func structures(_ pointers: GlobalPointers, _ probe: Probe) -> [GuestMemoryLayout] {
    RAMBlockList.search(pointers, in: process).flatMap { list -> [GuestMemoryLayout] in
      guard let region = MemoryRegionShape(of: list, probe) else { return [] }
      return FlatViewSearch(blocks: list, region: region, probe: probe).views(pointers).map {
        view in
        StructureLayout(list: list, region: region, view: view, process: process).layout()
      }
    }
  }
}

extension MachineSearch {
  /// The search in `process`. Throws `.noVariables` if the dump doesn't tell where they are.
  public init(_ process: Process) throws(MachineSearchError) {
    guard let program = process.program else { throw .noVariables }
    var globals: [Range<VirtualAddress>] = []
    for mapping in process.mappings where mapping.protection?.contains(.write) == true {
      guard let end = mapping.start.advanced(by: mapping.count) else { continue }
      // `.bss` goes on where the file's mapping ends.
      let goesOn = mapping.path == nil && globals.last?.upperBound == mapping.start
      if program.range.contains(mapping.start) || goesOn { globals.append(mapping.start..<end) }
    }
    guard !globals.isEmpty else { throw .noVariables }
    self.init(
      process: HostProcess(process), globals: globals,
      release: QEMUIdentity(process)?.version.flatMap { QEMURelease(version: $0) },
      walker: ProcessStackWalker(process))
  }
}
