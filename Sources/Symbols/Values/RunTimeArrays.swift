import Bytes
import Unwinding

/// A type graph with some of its types filled in: arrays whose lengths were found out in a frame.
private final class BoundArrays: TypeGraph {
  let base: any TypeGraph
  let arrays: [TypeID: TypeNode]

  init(_ base: any TypeGraph, _ arrays: [TypeID: TypeNode]) {
    self.base = base
    self.arrays = arrays
  }

  func node(_ id: TypeID) throws(SymbolError) -> TypeNode {
    if let array = arrays[id] { return array }
    return try base.node(id)
  }
}

extension VariableReader {
  /// `value`, with the lengths that its type, an array of run-time size, has in this frame. Lengths
  /// that can't be had stay unknown.
  func withBounds(_ value: TypedValue) throws(ValueError) -> TypedValue {
    let node: TypeNode?
    let id: TypeID?
    do throws(SymbolError) {
      let array = try TypeReference(value.graph, value.type).stripped()
      id = array.id
      node = try array.node()
    } catch {
      throw .symbol(error)
    }
    guard case .array(let element, let dimensions, let isVector) = node, let id,
      dimensions.contains(where: \.isVariable), callerDepth < FrameExpressions.callerLimit
    else { return value }
    let bounds = frame.arrayBounds(of: id)
    guard bounds.count == dimensions.count else { return value }
    var known: [Dimension] = []
    for (dimension, bound) in zip(dimensions, bounds) {
      let count = try self.count(bound, lowerBound: dimension.lowerBound)
      known.append(Dimension(count: count, lowerBound: dimension.lowerBound))
    }
    let array = TypeNode.array(element: element, dimensions: known, isVector: isVector)
    return TypedValue(
      graph: BoundArrays(value.graph, [id: array]), type: value.type, contents: value.contents)
  }

  private func count(_ bound: ArrayBound, lowerBound: Int64) throws(ValueError) -> UInt64? {
    let last: UInt64?
    switch bound {
    case .count(let count): return count
    case .unknown: return nil
    case .variable(let variable): last = try number(variable)
    case .expression(let operations):
      do throws(ExpressionError) {
        let context = FrameExpressions(frame, callerDepth: callerDepth)
        last = try DWARFExpression.value(of: operations, in: context).word
      } catch {
        last = try Self.absorb(error, or: nil)
      }
    }
    guard let last else { return nil }
    let (distance, overflow) = Int64(bitPattern: last).subtractingReportingOverflow(lowerBound)
    return overflow || distance < -1 ? nil : UInt64(bitPattern: distance &+ 1)
  }

  /// An integer variable's value; nil if it isn't known.
  private func number(_ variable: Variable) throws(ValueError) -> UInt64? {
    var reader = VariableReader(frame, callerDepth: callerDepth + 1)
    reader.maximumValueSize = 8
    let bits = try ValueFormatter(memory: frame.memory).fetch(try reader.value(of: variable))
    let slice = ValueSlice(bits)
    let count = UInt64(min(bits.bytes.count, 8)) * 8
    guard slice.missing(count) == nil else { return nil }
    return slice.unsigned(count).map { UInt64(truncatingIfNeeded: $0) }
  }
}
