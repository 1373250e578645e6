/// An expression as it was parsed; `column` is where its operator or its word stands.
struct CSyntax {
  let column: Int
  let form: Form

  indirect enum Form {
    case name(String)
    case number(UInt64, isUnsigned: Bool, isLong: Bool)
    /// `.path` or, of what it points to, `->path`.
    case member(CSyntax, String, isArrow: Bool)
    case element(CSyntax, CSyntax)
    case dereference(CSyntax)
    case address(CSyntax)
    case unary(String, CSyntax)
    case binary(String, CSyntax, CSyntax)
    case conditional(CSyntax, CSyntax, CSyntax)
    case cast(CTypeName, CSyntax)
    case sizeOfType(CTypeName)
    case sizeOfValue(CSyntax)
    case offsetOf(CTypeName, String)
    case containerOf(CSyntax, CTypeName, String)
    /// The copy of a variable that a CPU has; of a pointer to such a variable, `isPointer`.
    case perCPU(CSyntax, CSyntax, isPointer: Bool)
  }
}

/// The name of a type: `struct task_struct *[4]`.
struct CTypeName {
  let column: Int
  /// `struct task_struct`, `unsigned long`, `u64`, `void`.
  let base: String
  let pointers: Int
  /// Outermost first.
  let dimensions: [UInt64]
}
