@_exported import Bytes
@_exported import DebugFiles
@_exported import GDBRemote
@_exported import HostSystem
@_exported import LinuxGuest
@_exported import MachineDumps
@_exported import ObjectFiles
@_exported import QEMUMonitor
@_exported import QEMUProcess
@_exported import QEMUReplay
@_exported import Reports
@_exported import Symbols
@_exported import Targets
@_exported import TimeTravel
@_exported import Unwinding

/// Facts about this library. One import of it brings all of Varve's rooms.
public enum Varve {
  /// As `varve --version` prints it.
  public static let version = "0.1.0"
}
