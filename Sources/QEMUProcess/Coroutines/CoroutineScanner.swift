public import Bytes

/// Finds every coroutine of a QEMU process by the shape of its structure, without symbols.
public struct CoroutineScanner: Sendable {
  public let process: HostProcess
  /// Gives the address of a dynamic linker's variable, where the pointer guard's place asks for it.
  public var variable: @Sendable (String) -> VirtualAddress? = { _ in nil }

  public init(_ process: HostProcess) {
    self.process = process
  }

  /// What a scan found.
  public struct Result: Sendable {
    /// By address.
    public var coroutines: [Coroutine]
    public var rejected: [RejectedCoroutine]
    /// Nil if no coroutine was found.
    public let layout: CoroutineLayout?
    public let format: JumpBufferFormat?
    public let pointerGuard: PointerGuard?
    /// How many bytes were searched.
    public let searched: UInt64
    /// What the analyst should know: threads that disagree, limits that were reached.
    public var diagnostics: [String]
  }

  /// Searches the process's memory.
  public func scan(windows: some MemoryWindows = MappedWindows()) -> Result {
    let table = StackTable(process)
    let regions = ScanRegions(process)
    let search = StackReferenceSearch(process: process, table: table)
    var (references, isComplete) = search.references(in: regions.first, windows: windows)
    var searched = regions.first.reduce(0) { $0 + $1.count }
    var attempt = interpret(references, regions)
    if !regions.second.isEmpty, hasOrphans(attempt, table) {
      let more = search.references(in: regions.second, windows: windows)
      searched += regions.second.reduce(0) { $0 + $1.count }
      isComplete = isComplete && more.isComplete
      if !more.found.isEmpty {
        references = (references + more.found).sorted { $0.address < $1.address }
        attempt = interpret(references, regions)
      }
      attempt.diagnostics.append(
        "some stacks have no coroutine outside of large mappings, so those were searched, too")
    }
    if !isComplete {
      attempt.diagnostics.append(
        "more than \(StackReferenceSearch.limit) references to stacks: not all were looked at")
    }
    return finish(attempt, searched: searched)
  }

  /// What the references mean under one format and guard.
  private struct Attempt {
    var format: JumpBufferFormat?
    var pointerGuard: PointerGuard?
    var layout: CoroutineLayout?
    var accepted: [ClaimJudge.Finding] = []
    var rejected: [RejectedCoroutine] = []
    var diagnostics: [String] = []
  }

  /// Tries the known formats, and for each the guard that the process tells before one that is
  /// worked out; the attempt with most coroutines is the right one.
  private func interpret(_ references: [StackReference], _ regions: ScanRegions) -> Attempt {
    var best = Attempt()
    for format in JumpBufferFormat.formats(for: process.architecture) {
      let (told, diagnostics) = PointerGuard.read(for: format, in: process, variable: variable)
      var attempt = Attempt()
      if let told { attempt = interpret(references, regions, format, told) }
      if attempt.accepted.isEmpty, format.guardLocation != .notMangled,
        let recovered = GuardRecovery(process: process, format: format).recover(from: references)
      {
        attempt = interpret(references, regions, format, recovered)
        if let told, told.value != recovered.value {
          attempt.diagnostics.append("\(told) explains no coroutine")
        }
      }
      attempt.diagnostics = diagnostics + attempt.diagnostics
      if best.format == nil || attempt.accepted.count > best.accepted.count { best = attempt }
      if !best.accepted.isEmpty { break }
    }
    return best
  }

  private func interpret(
    _ references: [StackReference], _ regions: ScanRegions, _ format: JumpBufferFormat,
    _ pointerGuard: PointerGuard
  ) -> Attempt {
    var attempt = Attempt(format: format, pointerGuard: pointerGuard)
    let reader = ClaimReader(process: process, format: format, guardValue: pointerGuard.value)
    let all = references.flatMap(reader.claims)
    guard let distance = LayoutLearner.jumpBufferDistance(of: all) else { return attempt }
    let claims = all.filter { $0.jumpBufferDistance == distance }
    // Guest memory mustn't outvote QEMU's own.
    let own = claims.filter { !regions.isLarge($0.reference.address) }
    guard let layout = LayoutLearner(process: process).learn(from: own.isEmpty ? claims : own)
    else { return attempt }
    attempt.layout = layout
    let judge = ClaimJudge(
      process: process, reader: reader, layout: layout, isGuestMemory: regions.isLarge)
    (attempt.accepted, attempt.rejected) = judge.judge(claims)
    return attempt
  }

  /// Whether a mapping that could be a coroutine's stack, by the size that the found ones have, has
  /// been used and has no owner.
  private func hasOrphans(_ attempt: Attempt, _ table: StackTable) -> Bool {
    let owned = Set(attempt.accepted.map { $0.claim.reference.stack.base.rawValue })
    // 1 MiB and the guard page (COROUTINE_STACK_SIZE in include/qemu/coroutine_int.h).
    let sizes = Set(attempt.accepted.map { $0.claim.reference.stack.size }).union([0x10_1000])
    return sizes.contains { size in
      table.sites(ofStackSize: size).contains { site in
        guard !owned.contains(site.base) else { return false }
        let stack = CoroutineStack(
          base: VirtualAddress(site.base), size: size,
          usableStart: VirtualAddress(site.usableStart))
        return stack.deepestUse(in: process.memory).bytes > 0
      }
    }
  }

  private func finish(_ attempt: Attempt, searched: UInt64) -> Result {
    var diagnostics = attempt.diagnostics
    var coroutines: [Coroutine] = []
    if let format = attempt.format, let layout = attempt.layout,
      let pointerGuard = attempt.pointerGuard
    {
      let builder = CoroutineBuilder(
        process: process, format: format, guardValue: pointerGuard.value, layout: layout)
      for finding in attempt.accepted {
        do throws(MemoryFault) {
          coroutines.append(try builder.coroutine(for: finding))
        } catch {
          diagnostics.append("coroutine at \(finding.address): \(error)")
        }
      }
      builder.link(&coroutines)
    }
    return Result(
      coroutines: coroutines, rejected: attempt.rejected, layout: attempt.layout,
      format: attempt.layout == nil ? nil : attempt.format, pointerGuard: attempt.pointerGuard,
      searched: searched, diagnostics: diagnostics)
  }
}
