internal import Glibc

/// How the terminal treats what is typed, to be put back after a program that changed it.
public struct TerminalMode {
  private let settings: termios

  /// As it is now; nil if standard input is no terminal.
  public init?() {
    var settings = termios()
    // Safe: `settings` outlives the call.
    guard unsafe tcgetattr(0, &settings) == 0 else { return nil }
    self.settings = settings
  }

  /// Makes it so again. A terminal that has gone needs nothing.
  public func restore() {
    var settings = settings
    // Safe: `settings` outlives the call.
    _ = unsafe tcsetattr(0, TCSANOW, &settings)
  }
}
