/// A segment or system-table register of an x86 CPU with its hidden part.
public struct X86Segment: Hashable, Sendable {
  public var selector: UInt32
  public var base: UInt64
  public var limit: UInt32
  /// The second word of the descriptor as QEMU keeps it (target/i386/cpu.h, `DESC_*_MASK`): type in
  /// bits 8–11, S 12, DPL 13–14, P 15, AVL 20, L 21, B 22, G 23.
  public var flags: UInt32

  public init(selector: UInt32, base: UInt64, limit: UInt32, flags: UInt32) {
    self.selector = selector
    self.base = base
    self.limit = limit
    self.flags = flags
  }

  /// Whether this is a code segment for 64-bit mode.
  public var isLong: Bool { flags & 1 << 21 != 0 }
  /// Whether operands are 32 bits wide by default (D/B).
  public var isBig: Bool { flags & 1 << 22 != 0 }
}

/// How an x86 CPU interprets its instructions and addresses.
public enum X86Mode: String, Hashable, Sendable, Codable {
  case real
  case virtual8086 = "virtual-8086"
  case protected
  /// 64-bit paging structures, but a 16- or 32-bit code segment.
  case compatibility
  case long
}

/// The architectural state of an x86 CPU as far as its source knows it: nil is unknown.
public struct X86CPUState: Hashable, Sendable {
  /// The general registers in the order that instructions number them.
  public enum General: Int, CaseIterable, Hashable, Sendable {
    case rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
  }
  /// The segment registers in the order that instructions number them, then the tables.
  public enum SegmentRegister: Int, CaseIterable, Hashable, Sendable {
    case es, cs, ss, ds, fs, gs, ldt, tr, gdt, idt
  }
  /// Model-specific registers that say how the kernel is entered and where its data is: by their
  /// numbers (Intel SDM volume 4; AMD APM volume 2, appendix A).
  public enum ModelSpecific: UInt32, CaseIterable, Hashable, Sendable {
    case timestampCounter = 0x10
    case apicBase = 0x1b
    case sysenterCS = 0x174
    case sysenterESP = 0x175
    case sysenterEIP = 0x176
    case pat = 0x277
    case efer = 0xc000_0080
    case star = 0xc000_0081
    case lstar = 0xc000_0082
    case cstar = 0xc000_0083
    case fmask = 0xc000_0084
    case kernelGSBase = 0xc000_0102
    case tscAux = 0xc000_0103
  }

  public var general: [General: UInt64] = [:]
  public var rip: UInt64?
  public var rflags: UInt64?
  public var segments: [SegmentRegister: X86Segment] = [:]
  public var cr0: UInt64?
  public var cr2: UInt64?
  public var cr3: UInt64?
  public var cr4: UInt64?
  /// DR0–DR3, DR6, DR7 by number.
  public var debug: [Int: UInt64] = [:]
  public var modelSpecific: [ModelSpecific: UInt64] = [:]
  /// The XSAVE area in standard (not compacted) format as far as its components are known: at
  /// least the 512 bytes of FXSAVE. Nil if nothing is known.
  public var extendedState: [UInt8]?

  public init() {}

  public subscript(_ register: General) -> UInt64? {
    get { general[register] }
    set { general[register] = newValue }
  }

  public subscript(_ register: ModelSpecific) -> UInt64? {
    get { modelSpecific[register] }
    set { modelSpecific[register] = newValue }
  }

  /// Whether 64-bit paging structures are in use (EFER.LMA), by EFER, else by what only long mode
  /// can have: paging, PAE and a 64-bit code segment or addresses beyond 4 GiB.
  public var isLongModeActive: Bool? {
    if let efer = self[.efer] { return efer & 1 << 10 != 0 }
    guard let cr0, let cr4 else { return nil }
    guard cr0 & 1 << 31 != 0, cr4 & 1 << 5 != 0 else { return false }
    if segments[.cs]?.isLong == true { return true }
    if let idt = segments[.idt]?.base, idt >> 32 != 0 { return true }
    return nil
  }

  /// The mode; nil if what decides it isn't known.
  public var mode: X86Mode? {
    guard let cr0 else { return nil }
    if cr0 & 1 == 0 { return .real }
    guard let isLong = isLongModeActive else { return nil }
    if isLong {
      guard let code = segments[.cs] else { return nil }
      return code.isLong ? .long : .compatibility
    }
    guard let rflags else { return nil }
    return rflags & 1 << 17 != 0 ? .virtual8086 : .protected
  }
}
