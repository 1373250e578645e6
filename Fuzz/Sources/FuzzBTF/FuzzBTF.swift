import FuzzSupport
import Varve

/// BTF of a kernel, and the same bytes as a module's that continues it: every type's node, size,
/// name, members and layout.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzBTF(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
  let bytes = unsafe copied(data, size)
  attempt { () throws(SymbolError) in
    let kernel = try BTFTypes(bytes)
    ask(kernel)
    attempt { () throws(SymbolError) in ask(try BTFTypes(bytes, base: kernel)) }
  }
  return 0
}

private func ask(_ types: BTFTypes) {
  let printer = TypePrinter(graph: types)
  for name in ["struct task_struct", "task_struct", "enum pid_type", "u64", "unsigned long", ""] {
    attempt { () throws(SymbolError) in _ = try types.type(named: name) }
    _ = types.types(named: name)
    _ = types.structures(named: name)
  }
  attempt { () throws(SymbolError) in _ = try types.function(named: "schedule") }
  attempt { () throws(SymbolError) in _ = try types.variable(named: "runqueues") }
  attempt { () throws(SymbolError) in _ = try types.enumerator(named: "PIDTYPE_PID") }
  for id in 0..<min(types.endID + 1, 4096) {
    let type = TypeReference(types, TypeID(id))
    attempt { () throws(SymbolError) in _ = try type.node() }
    attempt { () throws(SymbolError) in _ = try type.size() }
    attempt { () throws(SymbolError) in _ = try type.target() }
    attempt { () throws(SymbolError) in _ = try printer.name(of: type.id) }
    attempt { () throws(SymbolError) in _ = try type.member(named: "tasks.next") }
  }
  for id in 0..<min(types.endID + 1, 64) {
    attempt { () throws(SymbolError) in
      var reporter = TypeLayoutReporter()
      let layout = try reporter.layout(of: TypeReference(types, TypeID(id)), from: "vmlinux")
      _ = TypeLayoutReport(file: "", name: "", types: [layout], warnings: []).text(.plain)
    }
  }
}
