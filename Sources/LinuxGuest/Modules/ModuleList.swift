internal import Bytes
public import Symbols
public import Targets

extension LinuxKernel {
  /// The modules, read once. A module that is damaged costs only itself. Throws if the kernel's types
  /// don't tell how modules are found; a kernel without modules has none.
  public func modules() throws(StructureError) -> KernelModules {
    if let modules = cachedModules { return modules }
    let read = try ModuleList(self).read()
    cachedModules = read
    return read
  }

  /// A module's own types, which continue the kernel's: those of the kernel are found in it too.
  /// Nil if it has none. Throws `.malformed` for damaged ones.
  public func types(of module: KernelModule) throws(StructureError) -> (any TypeLibrary)? {
    guard let range = module.types, let base = types as? BTFTypes else { return nil }
    let bytes: ByteView
    do throws(MemoryFault) {
      bytes = try memory.read(range.lowerBound, count: range.count)
    } catch {
      throw .memory(error)
    }
    do throws(SymbolError) {
      return try BTFTypes(bytes, base: base)
    } catch {
      throw .symbols(error)
    }
  }
}

/// Walks the kernel's lists of modules (kernel/module/main.c; kernel/module.c up to 5.18).
struct ModuleList {
  let kernel: LinuxKernel

  init(_ kernel: LinuxKernel) { self.kernel = kernel }

  /// More BTF no module has.
  private static let typesLimit: UInt64 = 64 << 20

  func read() throws(StructureError) -> KernelModules {
    var result = KernelModules()
    guard let head = kernel.symbols.symbol(named: "modules") else {
      result.diagnostics.append("the kernel has no list of modules: it was built without")
      return result
    }
    let reader = try ModuleReader(kernel, types: types(&result))
    let link = try reader.layout.place(of: .list)
    for node in nodes(of: head, "modules", &result) {
      let module = reader.module(at: node &- link.offset)
      if module.regions.isEmpty, module.name.isEmpty {
        result.diagnostics.append(
          "the module at \(module.address) can't be read: "
            + module.diagnostics.joined(separator: ", "))
      } else {
        result.loaded.append(module)
      }
    }
    try readUnloaded(&result)
    return result
  }

  private func nodes(
    of head: ELFSymbol, _ what: String, _ result: inout KernelModules
  ) -> [VirtualAddress] {
    let list = KernelList(
      head: VirtualAddress(head.address), in: kernel.memory, limit: ModuleReader.limit)
    if let damage = list.damage { result.diagnostics.append("\(what): \(damage)") }
    return list.nodes
  }

  /// Where modules have their BTF: `btf_modules` (kernel/bpf/btf.c).
  private func types(
    _ result: inout KernelModules
  ) throws(StructureError) -> [VirtualAddress: Range<VirtualAddress>] {
    guard let head = kernel.symbols.symbol(named: "btf_modules"),
      let layout: StructureLayout<ModuleTypesMember> = try ModuleReader.ifThere(kernel),
      let data: StructureLayout<TypesMember> = try ModuleReader.ifThere(kernel),
      let link = layout[.list]
    else { return [:] }
    var places: [VirtualAddress: Range<VirtualAddress>] = [:]
    for node in nodes(of: head, "btf_modules", &result) {
      do throws(StructureError) {
        let entry = StructureImage(layout, at: node &- link.offset, in: kernel.memory)
        guard let module = try entry.pointer(.module), let types = try entry.pointer(.types) else {
          continue
        }
        let object = StructureImage(data, at: types, in: kernel.memory)
        let size = try object.unsigned(.size)
        guard let start = try object.pointer(.data), size <= Self.typesLimit,
          let end = start.advanced(by: size)
        else { continue }
        places[module] = start..<end
      } catch {
        result.diagnostics.append("btf_modules: \(error)")
      }
    }
    return places
  }

  private func readUnloaded(_ result: inout KernelModules) throws(StructureError) {
    guard let head = kernel.symbols.symbol(named: "unloaded_tainted_modules"),
      let layout: StructureLayout<UnloadedModuleMember> = try ModuleReader.ifThere(kernel),
      let link = layout[.list]
    else { return }
    for node in nodes(of: head, "unloaded_tainted_modules", &result) {
      do throws(StructureError) {
        let entry = StructureImage(layout, at: node &- link.offset, in: kernel.memory)
        result.unloaded.append(
          UnloadedModule(
            name: try entry.text(.name), taints: try entry.unsigned(.taints),
            count: try entry.unsigned(.count)))
      } catch {
        result.diagnostics.append("unloaded_tainted_modules: \(error)")
      }
    }
  }
}
