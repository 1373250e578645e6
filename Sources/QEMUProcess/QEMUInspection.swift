import Bytes
public import Targets

/// All that can be told of a QEMU process's coroutines, by the best means there are: shape alone,
/// unwinding where code and unwind tables are at hand, and QEMU's variables where there is debug
/// information.
public struct QEMUInspection: Sendable {
  public let process: HostProcess
  /// Nil if nothing says that this is QEMU at all.
  public let identity: QEMUIdentity?
  /// Nil if there are no coroutines.
  public let backend: CoroutineBackend?
  public let coroutines: CoroutineScanner.Result
  public let waits: WaitGraph
  /// Whether debug information was there to check and complete what was found by shape.
  public let hasDebugInformation: Bool

  /// Inspects `process`, reading its memory by `windows`.
  public init(_ target: Process, windows: some MemoryWindows = MappedWindows()) {
    process = HostProcess(target)
    identity = QEMUIdentity(target)
    var scanner = CoroutineScanner(process)
    scanner.variable = { name in Self.variable(name, in: target) }
    var result = scanner.scan(windows: windows)
    result.classify(in: process, with: ProcessStackWalker(target))
    let structures = QEMUStructures(target)
    if let structures { result.complete(with: structures) }
    backend = CoroutineBackend(of: result.coroutines, in: process)
    waits = WaitGraph(result, in: process, structures: structures)
    coroutines = result
    hasDebugInformation = structures != nil
  }

  /// The address of a variable of the dynamic linker's or the C library's.
  private static func variable(_ name: String, in target: Process) -> VirtualAddress? {
    for module in target.modules {
      if let symbol = module.contents.symbols?.symbol(named: name) {
        return module.loadedAddress(of: symbol.address)
      }
    }
    return nil
  }
}
