internal import Bytes
internal import Symbols
internal import Targets

/// Puts a kernel together from page tables and whatever else was found on the way to them.
struct KernelAssembly {
  let machine: Machine

  init(_ machine: Machine) { self.machine = machine }

  func kernel(_ located: LocatedKernel) throws(LinuxGuestError) -> LinuxKernel {
    var located = located
    let memory = VirtualMemory(machine.memory, located.tables)
    let symbols = symbols(&located, memory)
    let info = vmcoreInfo(&located, symbols, memory)
    let place = try place(located.tables, symbols, info, memory)
    let types = KernelTypes(symbols: symbols, memory: memory, place: place).find()
    located.evidence += types.evidence
    located.diagnostics += types.diagnostics
    let name = try name(symbols, info, types.library, memory)
    return LinuxKernel(
      machine: machine, release: name.release, version: name.version, vmcoreInfo: info,
      place: place, memory: memory, symbols: symbols, types: types.library,
      evidence: located.evidence, diagnostics: located.diagnostics)
  }

  /// The image's symbols; none if nothing leads to them.
  private func symbols(
    _ located: inout LocatedKernel, _ memory: VirtualMemory
  ) -> any SymbolTable {
    if let symbols = located.symbols { return symbols }
    let finder = KallsymsFinder(memory: machine.memory)
    if let info = located.info {
      do throws(SymbolError) {
        if let found = try finder.find(by: info, in: memory) {
          located.evidence.append(found.evidence)
          return found.symbols
        }
      } catch {
        located.diagnostics.append("kallsyms at the addresses in VMCOREINFO: \(error)")
      }
    }
    if let found = finder.find(in: KernelImageMapping(located.tables, in: machine.memory)) {
      located.evidence.append(found.evidence)
      return found.symbols
    }
    located.diagnostics.append("the kernel's image holds no kallsyms: nothing has a name")
    return NoSymbols()
  }

  // MARK: VMCOREINFO

  /// The text that the kernel has of itself, if nothing else gave one: `vmcoreinfo_data` points at it
  /// (kernel/crash_core.c; kernel/vmcore_info.c since 6.9).
  private func vmcoreInfo(
    _ located: inout LocatedKernel, _ symbols: any SymbolTable, _ memory: VirtualMemory
  ) -> VMCoreInfo? {
    if let info = located.info { return info }
    guard let pointer = symbols.symbol(named: "vmcoreinfo_data") else {
      located.diagnostics.append("no VMCOREINFO: the kernel was built without it")
      return nil
    }
    do throws(MemoryFault) {
      let address = VirtualAddress(try memory.word(at: VirtualAddress(pointer.address)))
      let page = try memory.readAvailable(address, count: VMCoreInfoPlace.limit).copy()
      let text = ByteView(copying: page.prefix { $0 != 0 })
      if let problem = VMCoreInfoJudge.problem(in: text) {
        located.diagnostics.append("VMCOREINFO at \(address): \(problem)")
        return nil
      }
      let info = VMCoreInfo(text: String(decoding: text))
      do throws(RejectedVMCoreInfo) {
        _ = try VMCoreInfoJudge(machine).check(info, at: PhysicalAddress(0))
      } catch {
        located.diagnostics.append("VMCOREINFO at \(address): \(error.reason)")
        return nil
      }
      located.evidence.append("VMCOREINFO: where vmcoreinfo_data points, \(address)")
      return info
    } catch {
      located.diagnostics.append("no VMCOREINFO: vmcoreinfo_data: \(error)")
      return nil
    }
  }

  // MARK: The place

  private func place(
    _ tables: X86PageTables, _ symbols: any SymbolTable, _ info: VMCoreInfo?,
    _ memory: VirtualMemory
  ) throws(LinuxGuestError) -> KernelPlace {
    let stored = symbols.symbol(named: "_text").map { VirtualAddress($0.address) }
    guard let start = stored ?? info?.symbol("_stext") else {
      throw .missing(key: "SYMBOL(_stext)")
    }
    let physical: PhysicalAddress
    do throws(PageFault) {
      physical = try memory.translate(start).physical
    } catch {
      throw .unreadable(
        what: "_text", MemoryFault(address: error.address, reason: error.reason))
    }
    let end = symbols.symbol(named: "_end").map { VirtualAddress($0.address) }
    let offset = info?.kernelOffset ?? (start.rawValue &- KernelImageMap.linkedText)
    return KernelPlace(
      kernelOffset: offset,
      physicalBase: Int64(
        bitPattern: physical.rawValue &- (start.rawValue &- KernelImageMap.start)),
      image: start..<max(start, end ?? mappedEnd(of: start, tables)), pageTables: tables)
  }

  /// Where the mapping ends that `start` lies in.
  private func mappedEnd(of start: VirtualAddress, _ tables: X86PageTables) -> VirtualAddress {
    for extent in KernelImageMapping(tables, in: machine.memory).extents {
      if let offset = start.offset(from: extent.virtual), offset < extent.count {
        return extent.virtual &+ extent.count
      }
    }
    return start
  }

  // MARK: The name

  /// What the kernel calls itself, by `init_uts_ns`. Where in it the name is, VMCOREINFO tells since
  /// 5.11, and types tell if there are any.
  private func name(
    _ symbols: any SymbolTable, _ info: VMCoreInfo?, _ types: any TypeLibrary,
    _ memory: VirtualMemory
  ) throws(LinuxGuestError) -> UTSName {
    let stored = symbols.symbol(named: "init_uts_ns").map { VirtualAddress($0.address) }
    guard let space = stored ?? info?.symbol("init_uts_ns") else {
      throw .missing(key: "SYMBOL(init_uts_ns)")
    }
    var offsets: [UInt64] = []
    if let offset = info?.offset("uts_namespace.name") { offsets.append(offset) }
    do throws(SymbolError) {
      if let type = try types.type(named: "struct uts_namespace") {
        offsets.append(try type.member(named: "name").byteOffset)
      }
    } catch {
      // Damaged types: where kernels are known to have it remains.
    }
    // Behind a reference count of 4 bytes up to 5.10, at the start since.
    offsets += [4, 0]
    var first: UTSName?
    do throws(MemoryFault) {
      for offset in offsets {
        let name = try UTSName(in: memory, at: space &+ offset)
        if name.system == "Linux" { return name }
        first = first ?? name
      }
    } catch {
      throw .unreadable(what: "init_uts_ns", error)
    }
    guard let first else { throw .missing(key: "OFFSET(uts_namespace.name)") }
    return first
  }
}

/// The symbols of an image that has none.
struct NoSymbols: SymbolTable {
  var isEmpty: Bool { true }
  func symbol(at address: UInt64) -> (symbol: ELFSymbol, offset: UInt64)? { nil }
  func symbol(named name: String) -> ELFSymbol? { nil }
  func symbols(named name: String) -> [ELFSymbol] { [] }
}
