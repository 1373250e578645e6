internal import Bytes
public import Targets

/// What a kernel's clocks say, as of its last tick: a machine whose CPUs all slept then may have run
/// for longer.
public struct KernelClock: Hashable, Sendable {
  /// Nanoseconds since 1970, UTC, as far as the guest knew.
  public let realTime: Int64
  /// Nanoseconds since it booted, without the time it was suspended.
  public let monotonic: Int64
  /// Nanoseconds since it booted: `/proc/uptime`.
  public let sinceBoot: Int64
  /// The clock source in use: `tsc`, `kvm-clock`, …; nil if its name can't be read.
  public let source: String?

  public init(realTime: Int64, monotonic: Int64, sinceBoot: Int64, source: String?) {
    self.realTime = realTime
    self.monotonic = monotonic
    self.sinceBoot = sinceBoot
    self.source = source
  }

  /// When it booted: nanoseconds since 1970, UTC.
  public var bootTime: Int64 { realTime &- sinceBoot }

  /// When that was: nanoseconds since 1970 of a time that the log gives. Wrong before the last
  /// suspension, as with dmesg(1).
  public func realTime(ofLog nanoseconds: UInt64) -> Int64 {
    realTime &- monotonic &+ Int64(clamping: nanoseconds)
  }

  /// Where `struct timekeeper` is, newest kernels first (kernel/time/timekeeping.c).
  enum Place: CaseIterable {
    /// From 6.17: the first of `struct tk_data timekeeper_data[]`.
    case timekeeperData
    /// 6.13 to 6.16: in `struct tk_data tk_core`.
    case namedCore
    /// Before: in `tk_core`, whose type has no name, behind a sequence counter.
    case core

    var variable: String {
      switch self {
      case .timekeeperData: "timekeeper_data"
      case .namedCore, .core: "tk_core"
      }
    }
  }

  /// The clock of `kernel`.
  public init(_ kernel: LinuxKernel) throws(StructureError) {
    let keeper = try Self.timekeeper(kernel)
    let seconds = Int64(bitPattern: try keeper.member("xtime_sec").unsigned())
    let base = try keeper.member("tkr_mono")
    let shift = try base.member("shift").unsigned()
    guard shift < 64 else {
      throw .wrongType(wanted: "clock's shift", address: base.address)
    }
    let fraction = try base.member("xtime_nsec").unsigned() >> shift
    let realTime = seconds &* 1_000_000_000 &+ Int64(clamping: fraction)
    let toMonotonic = try keeper.member("wall_to_monotonic")
    let monotonic =
      try realTime
      &+ toMonotonic.member("tv_sec").signed() &* 1_000_000_000
      &+ toMonotonic.member("tv_nsec").signed()
    // `ktime_t` is a 64-bit count of nanoseconds in all kernels from 4.10.
    let suspended = Int64(bitPattern: try kernel.word(at: keeper.member("offs_boot").address))
    self.init(
      realTime: realTime, monotonic: monotonic, sinceBoot: monotonic &+ suspended,
      source: try base.member("clock").pointee()?.member("name").string())
  }

  private static func timekeeper(_ kernel: LinuxKernel) throws(StructureError) -> TypedAddress {
    for place in Place.allCases where kernel.symbols.symbol(named: place.variable) != nil {
      switch place {
      case .timekeeperData, .namedCore:
        do throws(StructureError) {
          return try kernel.variable(place.variable, "struct tk_data").member("timekeeper")
        } catch {
          guard place == .namedCore, case .noType = error else { throw error }
        }
      case .core: return try coreTimekeeper(kernel)
      }
    }
    throw .noVariable("tk_core")
  }

  /// The sequence counter in front takes 4 bytes and as many for alignment, 16 with PREEMPT_RT, more
  /// with lock debugging: the right place is the one whose clock source agrees with it.
  private static func coreTimekeeper(
    _ kernel: LinuxKernel
  ) throws(StructureError) -> TypedAddress {
    let core = try kernel.address(of: "tk_core")
    for offset in stride(from: UInt64(8), through: 64, by: 8) {
      let keeper = try kernel.object("struct timekeeper", at: core &+ offset)
      if try isTimekeeper(keeper) { return keeper }
    }
    throw .wrongType(wanted: "struct timekeeper", address: core)
  }

  private static func isTimekeeper(_ keeper: TypedAddress) throws(StructureError) -> Bool {
    let base = try keeper.member("tkr_mono")
    do throws(StructureError) {
      guard let source = try base.member("clock").pointee() else { return false }
      // `tk_setup_internals` takes both over from the clock source.
      for member in ["shift", "mask"] {
        let (own, told) = (try base.member(member), try source.member(member))
        guard try own.unsigned() == told.unsigned() else { return false }
      }
      return true
    } catch {
      if case .memory = error { return false }
      throw error
    }
  }
}
