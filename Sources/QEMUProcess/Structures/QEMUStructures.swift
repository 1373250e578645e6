import Bytes
import Symbols
import Targets

/// QEMU's variables in one process, by the program's debug information.
public struct QEMUStructures: Sendable {
  public let process: HostProcess
  let symbols: any ProgramSymbols
  /// What to add to the program's link-time addresses.
  let bias: UInt64
  let threadLocalStorage: ThreadLocalStorage?

  /// - Parameters:
  ///   - bias: what to add, modulo 2⁶⁴, to the program's link-time addresses.
  ///   - threadLocalStorage: nil if the program has none.
  public init(
    process: HostProcess, symbols: any ProgramSymbols, bias: UInt64,
    threadLocalStorage: ThreadLocalStorage?
  ) {
    self.process = process
    self.symbols = symbols
    self.bias = bias
    self.threadLocalStorage = threadLocalStorage
  }

  /// The first of the variables `names` that the program has in one of `files`; if there is none, the
  /// first that it has at all. (Names that changed are so found without a look at every unit of the
  /// debug information.)
  func global(_ names: [String], in files: String...) throws(StructureError) -> TypedAddress? {
    for isStrict in [true, false] {
      for name in names {
        for file in isStrict ? files : Array(files.prefix(1)) {
          guard let variable = try variable(name, in: file, isStrict: isStrict),
            case .address(let address) = variable.place
          else { continue }
          return TypedAddress(
            address: VirtualAddress(address &+ bias), type: variable.type, memory: process.memory)
        }
      }
    }
    return nil
  }

  /// The first of the thread-local variables `names` that the program has, in each thread.
  func threadLocals(
    _ names: [String], in file: String
  ) throws(StructureError) -> [(thread: HostThread, place: TypedAddress)] {
    guard let threadLocalStorage else { return [] }
    for name in names {
      guard let variable = try variable(name, in: file),
        case .threadLocal(let offset) = variable.place
      else { continue }
      return process.threads.compactMap { thread in
        guard let pointer = thread.threadPointer,
          let address = threadLocalStorage.address(
            ofVariableAt: offset, threadPointer: pointer, memory: process.memory)
        else { return nil }
        return (thread, TypedAddress(address: address, type: variable.type, memory: process.memory))
      }
    }
    return []
  }

  /// `address` seen as a structure of that name; nil if the program has no such type.
  func structure(
    _ name: String, in file: String, at address: VirtualAddress
  ) throws(StructureError) -> TypedAddress? {
    do throws(SymbolError) {
      return try symbols.structure(named: name, file: file).map {
        TypedAddress(address: address, type: $0, memory: process.memory)
      }
    } catch {
      throw .symbols(error)
    }
  }

  private func variable(
    _ name: String, in file: String, isStrict: Bool = false
  ) throws(StructureError) -> ProgramVariable? {
    do throws(SymbolError) {
      return try symbols.variable(named: name, file: file, isStrict: isStrict)
    } catch {
      throw .symbols(error)
    }
  }
}

/// The names of QEMU's variables that changed, newest first.
enum VariableNames {
  // QEMU_DEFINE_STATIC_CO_TLS puts `co_tls_` before the name (include/qemu/coroutine-tls.h, since
  // 7.0); before, they were plain `static __thread` variables.
  static let current = ["co_tls_current", "current"]
  static let leader = ["co_tls_leader", "leader"]
  /// The event loop that a thread runs (util/async.c).
  static let threadContext = ["co_tls_my_aiocontext", "my_aiocontext"]
  // util/qemu-coroutine.c: lists of coroutines up to 8.2, of batches of them since 9.0.
  static let globalPool = ["release_pool"]
  static let localPool = ["co_tls_alloc_pool", "alloc_pool"]
  static let globalBatches = ["global_pool"]
  static let localBatches = ["co_tls_local_pool", "local_pool"]
}
