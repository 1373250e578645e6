/// What gdb can ask for as a whole by `qXfer`, by the names that the protocol gives it.
public enum TransferObject: String, CaseIterable, Hashable, Sendable {
  /// The auxiliary vector, as the kernel laid it out.
  case auxiliaryVector = "auxv"
  /// The path of the program.
  case executable = "exec-file"
  /// The loaded objects as XML (gdb manual, "Library List Format for SVR4 Targets").
  case libraries = "libraries-svr4"
  /// Physical memory's kinds as XML (gdb manual, "Memory Map Format"). gdb refuses addresses outside.
  case memoryMap = "memory-map"
}
