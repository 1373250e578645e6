import Bytes
import TestWorlds
import Testing
import Unwinding

/// What the evaluated expressions can ask: fixed answers.
struct ExpressionWorld: ExpressionContext {
  var addressSize: UInt8 = 8
  var memory: SparseMemory = {
    var memory = SparseMemory()
    memory.write(words: [0x8877_6655_4433_2211, 0x0102_0304_0506_0708], at: 0x5000)
    return memory
  }()

  func register(_ register: RegisterNumber) -> UInt64? {
    register.rawValue < 64 ? UInt64(register.rawValue) * 0x100 : nil
  }
  func memory(at address: VirtualAddress, count: UInt64) throws(MemoryFault) -> ByteView {
    try memory.read(address, count: count)
  }
  func frameBase() -> UInt64 { 0xf000 }
  func canonicalFrameAddress() -> UInt64 { 0xcfa0 }
  func relocated(_ address: UInt64) -> UInt64 { address + 0x7000_0000 }
  func indexedAddress(_ index: UInt64) -> UInt64 { 0x1000 * index }
  func indexedConstant(_ index: UInt64) -> UInt64 { 0x10 * index }
  func threadLocalAddress(offset: UInt64) -> UInt64 { 0x7f00_0000 + offset }
  func objectAddress() -> UInt64 { 0xb000 }
  func entryValue(of operations: [DWARFOperation]) -> ExpressionValue {
    ExpressionValue(UInt64(operations.count) * 0x1111)
  }
  /// DIE n is `lit n` for n < 32; 100 calls itself; 101 is empty; 102 is a register.
  func expression(ofDIE die: DIEReference) -> [DWARFOperation] {
    switch die {
    case .unit(100): [DWARFOperation(.call4, 100)]
    case .unit(101): []
    case .unit(102): [DWARFOperation(.reg(3))]
    case .unit(let number), .section(let number):
      [DWARFOperation(.lit(UInt8(truncatingIfNeeded: number)))]
    }
  }
  func parameterValue(ofDIE die: DIEReference) -> ExpressionValue {
    ExpressionValue(die == .unit(0x55) ? 0xaa : 0)
  }
  func variableValue(ofDIE die: DIEReference) -> ExpressionValue {
    ExpressionValue(die == .section(0x66) ? 0xbb : 0)
  }
  func baseType(ofDIE die: DIEReference) throws(ExpressionError) -> ExpressionType {
    guard case .unit(let number) = die, let type = Self.types[number] else {
      throw .unsupported(.convert)
    }
    return type
  }

  /// The DIEs of base types: the second digit is the size, the first tells the encoding.
  static let types: [UInt64: ExpressionType] = {
    let all: [(UInt64, ExpressionType.Encoding, UInt64)] = [
      (0x11, .signed, 1), (0x21, .unsigned, 1), (0x14, .signed, 4), (0x24, .unsigned, 4),
      (0x18, .signed, 8), (0x44, .float, 4), (0x48, .float, 8), (0x1f, .signed, 16),
      (0x4f, .float, 16),
    ]
    var types: [UInt64: ExpressionType] = [:]
    for (die, encoding, size) in all { types[die] = ExpressionType(encoding, size: size) }
    return types
  }()

  func operations(_ text: String) throws -> [DWARFOperation] {
    let bytes = try #require(assembleExpression(text, addressSize: Int(addressSize)), "\(text)")
    return try DWARFExpression.decode(ByteView(copying: bytes), addressSize: addressSize)
  }

  func evaluate(_ text: String) throws -> ExpressionResult {
    try DWARFExpression.evaluate(try operations(text), in: self)
  }

  func value(_ text: String) throws -> ExpressionValue {
    try DWARFExpression.value(of: try operations(text), in: self)
  }
}
