internal import Bytes
internal import Targets

/// The CPUs as the kernel counts them.
public struct KernelCPUs: Hashable, Sendable {
  /// Those that may ever be there, and those that run, by number.
  public let possible: [Int]
  public let online: [Int]

  public init(possible: [Int], online: [Int]) {
    self.possible = possible
    self.online = online
  }

  init(_ kernel: LinuxKernel) throws(StructureError) {
    possible = try kernel.cpus(.possible)
    online = try kernel.cpus(.online)
  }

  /// `0-3,5`
  public static func text(of numbers: [Int]) -> String {
    var ranges: [ClosedRange<Int>] = []
    for number in numbers {
      if let last = ranges.last, last.upperBound + 1 == number {
        ranges[ranges.count - 1] = last.lowerBound...number
      } else {
        ranges.append(number...number)
      }
    }
    return ranges.map {
      $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)"
    }.joined(separator: ",")
  }
}

/// How busy the kernel is.
public struct KernelLoad: Hashable, Sendable {
  /// The load averages over 1, 5 and 15 minutes, in units of 1/2048 (`FSHIFT`,
  /// include/linux/sched/loadavg.h).
  public let averages: [UInt64]

  public init(averages: [UInt64]) { self.averages = averages }

  /// By `avenrun` (kernel/sched/loadavg.c).
  init(_ kernel: LinuxKernel) throws(StructureError) {
    let start = try kernel.address(of: "avenrun")
    var averages: [UInt64] = []
    for index in 0..<UInt64(3) { averages.append(try kernel.word(at: start &+ index * 8)) }
    self.averages = averages
  }

  /// The averages with two decimals, as `/proc/loadavg` rounds them: `0.08 0.03 0.01`.
  public var text: String {
    averages.map { average in
      let rounded = average &+ 2048 / 200
      let hundredths = ((rounded & 2047) * 100) >> 11
      return "\(rounded >> 11)." + (hundredths < 10 ? "0" : "") + "\(hundredths)"
    }.joined(separator: " ")
  }
}
