internal import Bytes

/// A process's arguments, as far as its memory still holds them.
public struct GuestCommandLine: Hashable, Sendable {
  /// As far as they could be read; empty if not at all.
  public var arguments: [String]
  /// Why not all of them are there; nil if they are.
  public var problem: String?
}

extension GuestAddressSpace {
  /// More is never read; `execve` takes up to a quarter of the stack's limit.
  private static let lengthLimit: UInt64 = 256 << 10

  /// What `/proc/PID/cmdline` shows (`get_mm_cmdline`, fs/proc/base.c).
  public func commandLine() -> GuestCommandLine {
    let length = arguments.upperBound.offset(from: arguments.lowerBound) ?? 0
    guard length > 0 else { return GuestCommandLine(arguments: [], problem: nil) }
    let bytes: [UInt8]
    do throws(MemoryFault) {
      bytes = try memory.readAvailable(arguments.lowerBound, count: min(length, Self.lengthLimit))
        .copy()
    } catch {
      return GuestCommandLine(arguments: [], problem: "\(error)")
    }
    if UInt64(bytes.count) == length, bytes.last != 0 { return overwritten(bytes) }
    let texts = bytes.split(separator: 0, omittingEmptySubsequences: false)
    // The last argument ends with a NUL too.
    let whole = bytes.last == 0 ? texts.dropLast() : texts[...]
    let problem: String? =
      switch UInt64(bytes.count) {
      case length: nil
      case Self.lengthLimit: "only the first \(Self.lengthLimit) bytes are shown"
      default: "the page at \(arguments.lowerBound &+ UInt64(bytes.count)) isn't in memory"
      }
    return GuestCommandLine(
      arguments: whole.map { String(decoding: $0, as: UTF8.self) }, problem: problem)
  }

  /// A program that wrote over the end of its arguments gave itself a title (setproctitle): one text,
  /// which may go on in the environment.
  private func overwritten(_ bytes: [UInt8]) -> GuestCommandLine {
    var title = bytes
    if let end = title.firstIndex(of: 0) {
      title.removeSubrange(end...)
    } else if environment.lowerBound == arguments.upperBound, title.count < 4096 {
      do throws(MemoryFault) {
        title += try memory.cString(
          at: arguments.upperBound, limit: UInt64(4096 - title.count)
        ).bytes
      } catch {
        return GuestCommandLine(
          arguments: [String(decoding: title, as: UTF8.self)], problem: "\(error)")
      }
    }
    return GuestCommandLine(arguments: [String(decoding: title, as: UTF8.self)], problem: nil)
  }
}
