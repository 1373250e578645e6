internal import Bytes
public import Targets

/// What a kernel says of itself and its machine. What it doesn't tell is nil, and `diagnostics` says
/// why.
public struct KernelFacts: StructureReading, Hashable {
  public var build: KernelBuild?
  /// What the boot loader passed (`saved_command_line`).
  public var commandLine: String?
  /// The guest's host name, and its NIS domain.
  public var hostName: String?
  public var domainName: String?
  public var clock: KernelClock?
  public var cpus: KernelCPUs?
  public var load: KernelLoad?
  /// How many threads there are, those of the kernel included.
  public var threads: Int?
  public var taint: KernelTaint?
  public var memory: KernelMemoryUse?
  /// Nil as well if the kernel hasn't panicked.
  public var panic: KernelPanic?
  /// Whether an oops is followed by a panic.
  public var panicsOnOops: Bool?
  /// `none`, `integrity`, `confidentiality`; nil for kernels without lockdown, too.
  public var lockdown: String?
  /// The hypervisor that the kernel noticed (`enum x86_hypervisor_type` without its prefix); nil if
  /// none.
  public var hypervisor: String?
  public var diagnostics: [String] = []

  public init() {}
}

extension KernelFacts {
  /// Reads all facts of `kernel`.
  public init(_ kernel: LinuxKernel) {
    self.init()
    readIdentity(kernel)
    collect("clock") { facts throws(StructureError) in facts.clock = try KernelClock(kernel) }
    collect("CPUs") { facts throws(StructureError) in facts.cpus = try KernelCPUs(kernel) }
    collect("load") { facts throws(StructureError) in facts.load = try KernelLoad(kernel) }
    collect("number of threads") { facts throws(StructureError) in
      facts.threads = Int(try kernel.intVariable("nr_threads"))
    }
    collect("taint") { facts throws(StructureError) in
      facts.taint = KernelTaint(mask: try kernel.longVariable("tainted_mask"))
    }
    let use = KernelMemoryUse(kernel)
    memory = use
    diagnostics += use.diagnostics
    collect("panic") { facts throws(StructureError) in facts.panic = try KernelPanic(kernel) }
    collect("panic_on_oops") { facts throws(StructureError) in
      facts.panicsOnOops = try kernel.intVariable("panic_on_oops") != 0
    }
    collect("lockdown") { facts throws(StructureError) in
      facts.lockdown = try Self.lockdown(kernel)
    }
    collect("hypervisor") { facts throws(StructureError) in
      facts.hypervisor = try Self.hypervisor(kernel)
    }
  }

  /// `COMMAND_LINE_SIZE` is 2048 on x86; boot configuration may add to it.
  private static var commandLineLimit: UInt64 { 16384 }

  private mutating func readIdentity(_ kernel: LinuxKernel) {
    collect("banner") { facts throws(StructureError) in facts.build = try KernelBuild(kernel) }
    collect("command line") { facts throws(StructureError) in
      let pointer = try kernel.longVariable("saved_command_line")
      facts.commandLine = try kernel.text(
        at: VirtualAddress(pointer), limit: Self.commandLineLimit)
    }
    collect("host name") { facts throws(StructureError) in
      let names = try kernel.variable("init_uts_ns", "struct uts_namespace").member("name")
      facts.hostName = try names.member("nodename").inlineString()
      facts.domainName = try names.member("domainname").inlineString()
    }
  }

  /// `kernel_locked_down` (security/lockdown/lockdown.c, from 5.4): the most that is forbidden.
  private static func lockdown(_ kernel: LinuxKernel) throws(StructureError) -> String? {
    guard kernel.symbols.symbol(named: "kernel_locked_down") != nil else { return nil }
    let level = Int64(try kernel.intVariable("kernel_locked_down"))
    guard level != 0 else { return "none" }
    let names = try kernel.enumerators("lockdown_reason")
    if let most = names["LOCKDOWN_CONFIDENTIALITY_MAX"], level >= most { return "confidentiality" }
    if let most = names["LOCKDOWN_INTEGRITY_MAX"], level >= most { return "integrity" }
    return "\(level)"
  }

  /// `x86_hyper_type` (arch/x86/kernel/cpu/hypervisor.c).
  private static func hypervisor(_ kernel: LinuxKernel) throws(StructureError) -> String? {
    guard kernel.symbols.symbol(named: "x86_hyper_type") != nil else { return nil }
    let type = Int64(try kernel.intVariable("x86_hyper_type"))
    guard type != 0 else { return nil }
    let prefix = "X86_HYPER_"
    let name = try kernel.enumerators("x86_hypervisor_type").first { $0.value == type }?.key
    return name.map { $0.hasPrefix(prefix) ? String($0.dropFirst(prefix.count)) : $0 } ?? "\(type)"
  }
}
