import Targets

extension MachineSearch.Result {
  /// All of this as `QEMUMachine` takes it.
  public var findings: MachineFindings {
    MachineFindings(
      layout: layout, cpus: cpus, type: type,
      evidence: ["memory by \(confidence.words)"] + evidence, diagnostics: diagnostics)
  }
}

extension MachineSearch.Confidence {
  /// What the memory map rests on, for a person.
  var words: String {
    switch self {
    case .structures: "QEMU's structures, found by shape and by how they point to each other"
    case .contents: "its contents, which agree with this map only"
    case .given: "the user's word"
    }
  }
}

extension QEMUMachine {
  /// The way to find a machine by shape. Memory that is `given` isn't searched for.
  public static func search(
    given: [GivenRAM] = [], windows: some MemoryWindows = MappedWindows()
  ) -> Search {
    { process throws(MachineError) in
      do throws(MachineSearchError) {
        return try MachineSearch(process).search(given: given, windows: windows).findings
      } catch {
        throw .notFound(reasons: ["\(error)"])
      }
    }
  }
}
