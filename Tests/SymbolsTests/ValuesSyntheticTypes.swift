import Bytes
import Symbols
import Unwinding

/// A type graph made by hand; a type's identifier is its place in `nodes`.
final class ValuesTypes: TypeGraph {
  let nodes: [TypeNode]

  init(_ nodes: [TypeNode]) { self.nodes = nodes }

  func node(_ id: TypeID) throws(SymbolError) -> TypeNode {
    guard id.rawValue < UInt64(nodes.count) else { throw .unknownType(id.rawValue) }
    return nodes[Int(id.rawValue)]
  }

  static let int = TypeID(0)
  static let char = TypeID(1)
  static let charPointer = TypeID(2)
  static let double = TypeID(3)
  static let pair = TypeID(4)
  static let intReference = TypeID(5)
  static let long = TypeID(6)
  /// The first identifier after the common types.
  static let next: UInt64 = 7

  /// The common types, and `more` behind them.
  static func with(_ more: [TypeNode] = []) -> ValuesTypes {
    ValuesTypes(
      [
        .base(name: "int", encoding: .signed, size: 4),
        .base(name: "char", encoding: .signedCharacter, size: 1),
        .pointer(to: char, size: 8),
        .base(name: "double", encoding: .float, size: 8),
        .record(
          RecordNode(
            kind: .structure, name: "pair", size: 8, isDeclaration: false,
            members: [
              .init(name: "a", type: int, bitOffset: 0), .init(name: "b", type: int, bitOffset: 32),
            ])),
        .reference(to: int, isRvalue: false, size: 8),
        .base(name: "long int", encoding: .signed, size: 8),
      ] + more)
  }
}

/// A frame made by hand.
final class ValuesSyntheticFrame: FrameContext {
  let graph: any TypeGraph
  let registers: RegisterState
  let memory: any Memory
  let canonicalFrameAddress: VirtualAddress?
  let frameBase: [DWARFOperation]?
  let bias: UInt64
  let function: FunctionScope?
  let caller: CallerContext?
  let wide: [RegisterNumber: [UInt8]]
  let variables: [EntryID: Variable]
  let mayTailCallItself: Bool

  init(
    graph: any TypeGraph = ValuesTypes.with(), registers: [UInt16: UInt64] = [:],
    memory: [UInt64: [UInt8]] = [:], cfa: UInt64? = nil, frameBase: [DWARFOperation]? = nil,
    bias: UInt64 = 0, function: FunctionScope? = nil, caller: CallerContext? = nil,
    wide: [RegisterNumber: [UInt8]] = [:], variables: [EntryID: Variable] = [:],
    mayTailCallItself: Bool = false
  ) {
    self.graph = graph
    var state = RegisterState()
    for (number, value) in registers { state[RegisterNumber(number)] = value }
    self.registers = state
    self.memory = ValuesMemory(memory)
    canonicalFrameAddress = cfa.map { VirtualAddress($0) }
    self.frameBase = frameBase
    self.bias = bias
    self.function = function
    self.caller = caller
    self.wide = wide
    self.variables = variables
    self.mayTailCallItself = mayTailCallItself
  }

  func registerBytes(_ register: RegisterNumber) -> [UInt8]? { wide[register] }
  func threadLocalAddress(offset: UInt64) -> VirtualAddress? { VirtualAddress(0x7000 + offset) }
  func variable(_ id: EntryID) -> Variable? { variables[id] }
}
