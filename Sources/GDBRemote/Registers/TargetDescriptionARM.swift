/// The registers of an AArch64 CPU.
extension TargetDescription {
  /// An AArch64 CPU's general registers, in the layout of QEMU's own server
  /// (gdb-xml/aarch64-core.xml). DWARF's numbers: AADWARF64, section 4.1.
  public static func aarch64(triple: String = "aarch64-unknown-unknown") -> TargetDescription {
    let roles = [29: "fp", 30: "ra"]
    let general = (0...30).map {
      Register(
        "x\($0)", bits: 64, type: $0 < 29 ? "int" : $0 == 29 ? "data_ptr" : "code_ptr", dwarf: $0,
        role: roles[$0])
    }
    return TargetDescription(
      architecture: "aarch64", triple: triple,
      features: [
        Feature(
          "org.gnu.gdb.aarch64.core", types: [processorState],
          registers: general + [
            Register("sp", bits: 64, type: "data_ptr", dwarf: 31, role: "sp"),
            Register("pc", bits: 64, type: "code_ptr", dwarf: 32, role: "pc"),
            Register("cpsr", bits: 32, type: "cpsr_flags", dwarf: 33, role: "flags"),
          ])
      ], expedited: ["pc", "sp", "x29", "x30", "cpsr"])
  }

  /// PSTATE as SPSR_ELx holds it (Arm ARM, C5.2.19).
  private static var processorState: TypeDefinition {
    .flags(
      id: "cpsr_flags", size: 4,
      fields: [
        .init("N", 31), .init("Z", 30), .init("C", 29), .init("V", 28), .init("SS", 21),
        .init("IL", 20), .init("D", 9), .init("A", 8), .init("I", 7), .init("F", 6),
        .init("nRW", 4), .init("EL", 2, to: 3), .init("SP", 0),
      ])
  }
}
