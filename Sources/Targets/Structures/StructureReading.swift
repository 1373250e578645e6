/// Something that is read out of a program's structures part by part: a part that can't be read leaves
/// the others as they are, and is told.
public protocol StructureReading: Sendable {
  /// What couldn't be read, and why.
  var diagnostics: [String] { get set }
}

extension StructureReading {
  /// Reads one part; if that fails, `what` it was goes into the diagnostics with the reason.
  public mutating func collect(
    _ what: String, _ read: (inout Self) throws(StructureError) -> Void
  ) {
    do throws(StructureError) {
      try read(&self)
    } catch {
      diagnostics.append("\(what): \(error)")
    }
  }
}
