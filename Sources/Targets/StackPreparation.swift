import Bytes
import Dispatch
import Symbols
import Unwinding

extension Process {
  /// Reads what the backtraces of `threads` will ask for, on more than one CPU: the symbols and
  /// debug information of the program and of the modules that the threads stand in.
  ///
  /// Nearly every thread of a server stands in the C library, whose debug file is compressed:
  /// unpacking it takes as long as reading all of the program that is needed. So the one is done
  /// beside the other. What this doesn't finish, or leaves out, is read when it is asked for.
  public func prepareBacktraces(of threads: [TargetThread], usingDebugInformation: Bool) {
    guard usingDebugInformation, let program else { return }
    // Begun with each as soon as it is known: where the other threads stand may take a search.
    let libraries = modules(of: threads) { module in
      DispatchQueue.global().async { _ = module.contents.debugInformation }
    }
    for thread in threads {
      readScopes(in: program, of: backtrace(from: thread.registers, limit: 100))
    }
    for module in [program] + libraries {
      // By any name: the index of names is made when the first one is asked for.
      _ = module.contents.symbols?.symbol(named: "main")
    }
    _ = program.exports
  }

  /// The modules that `threads` stand in, apart from the program. Threads that stand in many have
  /// little in common, so there is a limit.
  private func modules(of threads: [TargetThread], whenFound: (Module) -> Void) -> [Module] {
    let counters = threads.compactMap { $0.registers[architecture.programCounter] }
    var found: [Module] = []
    for counter in counters {
      guard let module = module(containing: VirtualAddress(counter)), !module.isProgram,
        !found.contains(where: { $0 === module })
      else { continue }
      found.append(module)
      whenFound(module)
      if found.count == 4 { break }
    }
    return found
  }

  /// Has the debug information of `module` read what the frames in it need.
  private func readScopes(in module: Module, of backtrace: Backtrace) {
    for frame in backtrace.frames where module.range.contains(frame.lookupAddress) {
      do throws(SymbolError) {
        _ = try module.contents.debugInformation?.frames(
          at: module.linkAddress(of: frame.lookupAddress).rawValue)
      } catch {
        // It will be thrown, and told, again when the frame is reported.
        return
      }
    }
  }
}
