/// The registers of an x86-64 CPU.
extension TargetDescription {
  /// An x86-64 CPU with segment bases and control registers: the layout of `g`, names and types are
  /// those of QEMU's own server (gdb-xml/i386-64bit.xml, target/i386/gdbstub.c), so what that gives can
  /// be passed on as it is, and scripts written for it work. `triple` tells lldb what runs there.
  // swift-format-ignore: AlwaysUseLowerCamelCase
  // The CPU's own name.
  public static func x86_64(triple: String = "x86_64-unknown-unknown") -> TargetDescription {
    TargetDescription(
      architecture: "i386:x86-64", triple: triple,
      features: [
        Feature(
          "org.gnu.gdb.i386.core", types: x86Types,
          registers: x86General + x86System + x87 + x86Vectors)
      ],
      expedited: ["rip", "rsp", "rbp", "eflags"])
  }

  /// rax to gs in gdb's order. DWARF's numbers: psABI x86-64, table 3.36.
  private static var x86General: [Register] {
    let names =
      ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp"] + (8...15).map { "r\($0)" }
    let dwarf = [0, 3, 2, 1, 4, 5, 6, 7] + Array(8...15)
    let roles = ["rbp": "fp", "rsp": "sp"]
    return zip(names, dwarf).map { name, dwarf in
      Register(
        name, bits: 64, type: roles[name] == nil ? "int64" : "data_ptr", dwarf: dwarf,
        role: roles[name])
    } + [
      Register("rip", bits: 64, type: "code_ptr", dwarf: 16, role: "pc"),
      Register("eflags", bits: 32, type: "x64_eflags", dwarf: 49, role: "flags"),
    ] + ["cs", "ss", "ds", "es", "fs", "gs"].map { Register($0, bits: 32, type: "int32") }
  }

  private static var x86System: [Register] {
    ["fs_base", "gs_base", "k_gs_base"].map { Register($0, bits: 64, type: "int64") } + [
      Register("cr0", bits: 64, type: "x64_cr0"),
      Register("cr2", bits: 64, type: "int64"),
      Register("cr3", bits: 64, type: "x64_cr3"),
      Register("cr4", bits: 64, type: "x64_cr4"),
      Register("cr8", bits: 64, type: "int64"),
      Register("efer", bits: 64, type: "x64_efer"),
    ]
  }

  private static var x87: [Register] {
    (0...7).map { Register("st\($0)", bits: 80, type: "i387_ext", dwarf: 33 + $0) }
      + ["fctrl", "fstat", "ftag", "fiseg", "fioff", "foseg", "fooff", "fop"].map {
        Register($0, bits: 32, type: "int", group: "float")
      }
  }

  private static var x86Vectors: [Register] {
    (0...15).map { Register("xmm\($0)", bits: 128, type: "vec128", dwarf: 17 + $0) }
      + [Register("mxcsr", bits: 32, type: "x64_mxcsr", group: "vector")]
  }

  /// Bits of the registers, by their names in the processor's manual (Intel SDM volume 3, chapter 2;
  /// volume 1, section 10.2.3).
  private static var x86Types: [TypeDefinition] {
    [
      .flags(
        id: "x64_eflags", size: 4,
        fields: [
          .init("ID", 21), .init("VIP", 20), .init("VIF", 19), .init("AC", 18), .init("VM", 17),
          .init("RF", 16), .init("NT", 14), .init("IOPL", 12, to: 13), .init("OF", 11),
          .init("DF", 10), .init("IF", 9), .init("TF", 8), .init("SF", 7), .init("ZF", 6),
          .init("AF", 4), .init("PF", 2), .init("CF", 0),
        ]),
      .flags(
        id: "x64_cr0", size: 8,
        fields: [
          .init("PG", 31), .init("CD", 30), .init("NW", 29), .init("AM", 18), .init("WP", 16),
          .init("NE", 5), .init("ET", 4), .init("TS", 3), .init("EM", 2), .init("MP", 1),
          .init("PE", 0),
        ]),
      .flags(
        id: "x64_cr3", size: 8,
        fields: [
          .init("PDBR", 12, to: 63), .init("WT", 2), .init("CD", 1), .init("PCID", 0, to: 11),
        ]),
      .flags(
        id: "x64_cr4", size: 8,
        fields: [
          .init("PKE", 22), .init("SMAP", 21), .init("SMEP", 20), .init("OSXSAVE", 18),
          .init("PCIDE", 17), .init("FSGSBASE", 16), .init("SMXE", 14), .init("VMXE", 13),
          .init("LA57", 12), .init("UMIP", 11), .init("OSXMMEXCPT", 10), .init("OSFXSR", 9),
          .init("PCE", 8), .init("PGE", 7), .init("MCE", 6), .init("PAE", 5), .init("PSE", 4),
          .init("DE", 3), .init("TSD", 2), .init("PVI", 1), .init("VME", 0),
        ]),
      .flags(
        id: "x64_efer", size: 8,
        fields: [
          .init("TCE", 15), .init("FFXSR", 14), .init("LMSLE", 13), .init("SVME", 12),
          .init("NXE", 11), .init("LMA", 10), .init("LME", 8), .init("SCE", 0),
        ]),
      .flags(
        id: "x64_mxcsr", size: 4,
        fields: [
          .init("FZ", 15), .init("PM", 12), .init("UM", 11), .init("OM", 10), .init("ZM", 9),
          .init("DM", 8), .init("IM", 7), .init("DAZ", 6), .init("PE", 5), .init("UE", 4),
          .init("OE", 3), .init("ZE", 2), .init("DE", 1), .init("IE", 0),
        ]),
      .vector128(id: "vec128"),
    ]
  }
}
