/// A breakpoint's condition as gdb compiles it: bytecode for a stack machine (gdb manual, appendix
/// "The GDB Agent Expression Mechanism").
public struct AgentExpression: Hashable, Sendable {
  public let bytecode: [UInt8]

  public init(_ bytecode: [UInt8]) { self.bytecode = bytecode }
}
