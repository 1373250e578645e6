import Bytes
import Dispatch
import Unwinding

extension Process {
  /// Begins to read, on other CPUs, what the backtraces of `threads` will ask for: the symbols and
  /// debug information of the program and of the modules that the threads stand in. Returns at
  /// once; who asks for something that is being read waits for it.
  ///
  /// Nearly every thread of a server stands in the C library, whose debug file is compressed:
  /// unpacking it takes as long as all the rest.
  public func prepareBacktraces(of threads: [TargetThread], usingDebugInformation: Bool) {
    var wanted: [Module] = []
    let counter = architecture.programCounter
    for address in threads.compactMap({ $0.registers[counter] }) {
      guard let module = module(containing: VirtualAddress(address)),
        !wanted.contains(where: { $0 === module })
      else { continue }
      wanted.append(module)
    }
    if let program, !wanted.contains(where: { $0 === program }) { wanted.append(program) }
    for module in wanted.prefix(Self.preparedLimit) {
      if usingDebugInformation {
        DispatchQueue.global().async { _ = module.contents.debugInformation }
      }
      DispatchQueue.global().async { _ = module.contents.symbols }
    }
  }

  /// Threads that stand in more modules than this have little in common.
  private static let preparedLimit = 4
}
