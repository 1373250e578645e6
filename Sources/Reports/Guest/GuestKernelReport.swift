internal import Bytes
public import LinuxGuest

/// What `varve info` says of the guest's Linux kernel. What the kernel doesn't tell is nil, and
/// `unavailable` says why.
public struct GuestKernelReport: Codable, Hashable, Sendable {
  public var release: String
  public var version: String
  public var builder: String?
  public var compiler: String?
  public var commandLine: String?
  public var hostName: String?
  public var domainName: String?
  /// The guest's time of day at its last tick, and when it booted.
  public var time: CivilTime?
  public var bootTime: CivilTime?
  /// Nanoseconds since it booted, and how many of them it was awake.
  public var uptime: Int64?
  public var awake: Int64?
  public var clockSource: String?
  public var possibleCPUs: [Int]?
  public var onlineCPUs: [Int]?
  /// Over 1, 5 and 15 minutes, with two decimals.
  public var loadAverages: String?
  public var threads: Int?
  public var taint: GuestTaintReport?
  public var memory: GuestMemoryReport?
  /// Nil if it hasn't panicked.
  public var panic: GuestPanicReport?
  public var panicsOnOops: Bool?
  /// Complaints that the log holds: oopses, BUGs, lockups; the last few.
  public var complaints: [String]
  /// `none`, `integrity`, `confidentiality`; nil where the kernel has no lockdown.
  public var lockdown: String?
  /// Which hypervisor the kernel noticed; nil for none.
  public var hypervisor: String?
  /// How far KASLR moved its addresses, in hexadecimal.
  public var kernelOffset: String
  /// How the kernel was found, a line each.
  public var evidence: [String]
  /// What couldn't be read, and why, a line each.
  public var unavailable: [String]
}

/// Why a kernel calls itself tainted.
public struct GuestTaintReport: Codable, Hashable, Sendable {
  /// As in `/proc/sys/kernel/tainted`.
  public var mask: UInt64
  /// As oopses print them: `GDW`; empty if it isn't tainted.
  public var letters: String
  public var flags: [GuestTaintFlagReport]
}

/// One reason.
public struct GuestTaintFlagReport: Codable, Hashable, Sendable {
  public var bit: Int
  public var letter: String?
  public var meaning: String
}

/// The numbers of `/proc/meminfo`, in bytes.
public struct GuestMemoryReport: Codable, Hashable, Sendable {
  public var total: UInt64?
  public var free: UInt64?
  public var available: UInt64?
  public var buffers: UInt64?
  public var cached: UInt64?
  public var anonymous: UInt64?
  public var shared: UInt64?
  public var slab: UInt64?
  public var slabReclaimable: UInt64?
  public var kernelStacks: UInt64?
  public var pageTables: UInt64?
}

/// A panic.
public struct GuestPanicReport: Codable, Hashable, Sendable {
  /// `Kernel panic - not syncing: …`; nil if the log doesn't hold it.
  public var message: String?
  /// The CPU that panicked; nil if only the log tells of the panic.
  public var cpu: Int?
  /// The task that ran there: address, number (`pid`), name.
  public var task: GuestTaskReport?
  /// Somebody asked for it, by SysRq.
  public var isRequested: Bool
}

/// One task by its name.
public struct GuestTaskReport: Codable, Hashable, Sendable {
  public var address: String
  public var thread: Int32
  public var name: String
}

extension GuestKernelReport {
  /// Of `kernel`; `log` is nil if there is none that can be read.
  public init(_ kernel: LinuxKernel, _ facts: KernelFacts, log: KernelLog?) {
    release = kernel.release
    version = kernel.version
    builder = facts.build?.builder
    compiler = facts.build?.compiler
    commandLine = facts.commandLine
    hostName = facts.hostName
    domainName = facts.domainName
    time = facts.clock.map { CivilTime(nanoseconds: $0.realTime) }
    bootTime = facts.clock.map { CivilTime(nanoseconds: $0.bootTime) }
    uptime = facts.clock?.sinceBoot
    awake = facts.clock?.monotonic
    clockSource = facts.clock?.source
    possibleCPUs = facts.cpus?.possible
    onlineCPUs = facts.cpus?.online
    loadAverages = facts.load?.text
    threads = facts.threads
    taint = facts.taint.map(GuestTaintReport.init)
    memory = facts.memory.map(GuestMemoryReport.init)
    let told = log.map(PanicLog.init)
    panic = GuestPanicReport(facts.panic, told)
    complaints = told?.complaints ?? []
    panicsOnOops = facts.panicsOnOops
    lockdown = facts.lockdown
    hypervisor = facts.hypervisor
    kernelOffset = hex(kernel.place.kernelOffset)
    evidence = kernel.evidence
    unavailable = facts.diagnostics
  }
}

extension GuestTaintReport {
  init(_ taint: KernelTaint) {
    mask = taint.mask
    letters = taint.letters
    flags = taint.flags.map {
      GuestTaintFlagReport(bit: $0.bit, letter: $0.letter.map(String.init), meaning: $0.meaning)
    }
  }
}

extension GuestMemoryReport {
  init(_ use: KernelMemoryUse) {
    total = use.total
    free = use.free
    available = use.available
    buffers = use.buffers
    cached = use.cached
    anonymous = use.anonymous
    shared = use.shared
    slab = use.slab
    slabReclaimable = use.slabReclaimable
    kernelStacks = use.kernelStacks
    pageTables = use.pageTables
  }
}

extension GuestPanicReport {
  /// Nil if neither the kernel's variables nor its log tell of a panic.
  init?(_ panic: KernelPanic?, _ log: PanicLog?) {
    guard panic != nil || log?.message != nil else { return nil }
    message = log?.message
    cpu = panic?.cpu
    task = panic?.task.map {
      GuestTaskReport(address: $0.address.description, thread: $0.thread, name: $0.name)
    }
    isRequested = log?.isRequested ?? false
  }
}
