import CElfutils

extension Session {
  /// See `DebugInformation.frames(at:)`.
  func frames(at address: UInt64) throws(SymbolError) -> [FunctionScope] {
    guard let unit = try unit(covering: address), let chain = try chain(at: address, in: unit)
    else { return [] }
    var frames: [FunctionScope] = []
    var location = location(at: address, in: unit)
    for scope in chain.functions {
      frames.append(try describe(scope, in: unit, location: location))
      // The next outer function is where this one was called.
      location = try callLocation(of: scope.entry, in: unit)
    }
    return frames
  }

  /// What an out-of-line or inlined function's entry says about it.
  func describe(
    _ scope: ScopeChain.Scope, in unit: Unit, location: SourceLocation?
  ) throws(SymbolError) -> FunctionScope {
    let names = try functionNames(of: scope.entry, in: unit)
    return FunctionScope(
      id: scope.entry.id, name: names.full, frameName: names.withoutParameters,
      linkageName: names.linkage, language: unit.language,
      isInlined: scope.entry.tag == DW_TAG_inlined_subroutine, location: location,
      entry: scope.entry.entryAddress() ?? scope.ranges.first?.lowerBound, ranges: scope.ranges)
  }

  /// Where an inlined function was called; nil if that isn't recorded.
  private func callLocation(of entry: Entry, in unit: Unit) throws(SymbolError) -> SourceLocation? {
    guard entry.tag == DW_TAG_inlined_subroutine,
      let line = try entry.unsigned(DW_AT_call_line), line != 0,
      let number = try entry.unsigned(DW_AT_call_file), let file = fileName(number, in: unit)
    else { return nil }
    let column = try entry.unsigned(DW_AT_call_column) ?? 0
    return SourceLocation(
      file: file, directory: unit.directory, line: UInt32(clamping: line),
      column: UInt32(clamping: column))
  }
}
