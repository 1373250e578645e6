internal import HostSystem
internal import Synchronization
internal import TimeTravel

extension EngineCore {
  /// How often QEMU is asked whether it comes on.
  private static let checkInterval = Duration.seconds(1)
  /// QEMU that hangs because it watches memory computes and doesn't come on. In so much time of a processor
  /// it would execute 10⁵ instructions with the slowest watchpoint.
  private static let watchingPatience = Duration.seconds(2)

  /// What is known of how QEMU comes on.
  struct Progress {
    fileprivate var checked = ContinuousClock.now
    fileprivate var moved = ContinuousClock.now
    fileprivate var count: UInt64?
    /// What QEMU had computed when the count was first seen.
    fileprivate var computed = Duration.zero
  }

  /// Where QEMU stands and for how long it has, if that is too long. Asks it only now and then.
  func check(_ progress: inout Progress) throws(ReplayError) -> (count: UInt64, time: Duration)? {
    let now = ContinuousClock.now
    guard now - progress.checked > Self.checkInterval else { return nil }
    progress.checked = now
    let current = try instance.instructionCount()
    sighting.note(Moment(current))
    if current != progress.count {
      progress.count = current
      progress.moved = now
      if isWatching { progress.computed = try computed() }
      return nil
    }
    let isHanging =
      isWatching ? try computed() - progress.computed > Self.watchingPatience : false
    let time = now - progress.moved
    return isHanging || time > patience ? (current, time) : nil
  }

  private var isWatching: Bool { !stops.watchpoints.isEmpty }

  /// The processors' time that QEMU has taken. Source of the form: proc(5), stat: `utime` and `stime` are the
  /// fields 14 and 15, in hundredths of a second (USER_HZ).
  private func computed() throws(ReplayError) -> Duration {
    let fields = try system { () throws(HostError) in
      try statusFields("stat", of: ProcessFiles(instance.child.processID))
    }
    guard fields.count > 12, let user = Int64(fields[11]), let kernel = Int64(fields[12]) else {
      return .zero
    }
    return .milliseconds(10 * (user + kernel))
  }

  /// The fields of a `stat` file from the third on, the state. Source of the form: proc(5): the second one is the
  /// name, which is in parentheses and may have some itself.
  func statusFields(
    _ name: String, of files: ProcessFiles
  ) throws(HostError) -> [Substring] {
    let text = String(decoding: try files.contents(name))
    return text.split(separator: ")").last?.split(separator: " ") ?? []
  }
}

/// Where QEMU was seen in a run that is under way.
final class Sighting: Sendable {
  private let count = Atomic<UInt64>(.max)

  func note(_ moment: Moment) { count.store(moment.rawValue, ordering: .relaxed) }

  func forget() { count.store(.max, ordering: .relaxed) }

  var moment: Moment? {
    let count = count.load(ordering: .relaxed)
    return count == .max ? nil : Moment(count)
  }
}
