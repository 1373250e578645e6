import Bytes
import ObjectFiles
import Symbols
public import Targets
import Unwinding

extension LinuxKernel {
  /// The kernel as something that has stacks: its memory, its code, and modules that can be
  /// unwound and have names. It has no threads: tasks are read apart.
  ///
  /// - Parameter debugFile: the vmlinux of this very kernel, for lines, inlined functions and
  ///   variables.
  public func process(debugFile: KernelDebugFile? = nil) -> Process {
    let orc = KernelORC(self)
    var modules = [imageModule(orc, debugFile)]
    var diagnostics: [String] = []
    do throws(StructureError) {
      let list = try self.modules()
      diagnostics = list.diagnostics
      for module in list.loaded { modules += Self.codeModules(of: module, orc) }
    } catch {
      diagnostics.append("modules can't be read: \(error)")
    }
    return Process(
      architecture: machine.architecture, memory: AddressSpace(kernel: memory),
      mappings: executableMappings(), threads: [], modules: modules, diagnostics: diagnostics)
  }

  /// `module`, once for each part of its code: since 6.4 other modules may lie between them.
  private static func codeModules(of module: KernelModule, _ orc: KernelORC) -> [Module] {
    let code = module.regions.filter { $0.part == .text || $0.part == .initialText }
    return code.map { region in
      Module(
        path: "[\(module.name)]", range: region.range, bias: 0, buildID: module.buildID,
        linkName: "[\(module.name)]"
      ) {
        ModuleContents {
          guard let tables = module.orc else { return ModuleContents.Part(value: nil) }
          return orc.table(
            of: "[\(module.name)]",
            at: .init(
              addresses: tables.addresses, entries: tables.entries, count: tables.count),
            code: region.range, bias: 0)
        } symbols: {
          ModuleContents.Part(value: module.symbols)
        } debugInformation: {
          ModuleContents.Part(value: nil)
        }
      }
    }
  }

  private func imageModule(_ orc: KernelORC, _ file: KernelDebugFile?) -> Module {
    let reader = file.map { KernelDebugReader(file: $0, architecture: machine.architecture) }
    return Module(
      path: file?.path ?? "vmlinux", range: place.image, bias: place.kernelOffset,
      buildID: buildID, isProgram: true
    ) {
      ModuleContents {
        let table = orc.imageTable()
        return reader?.completing(table) ?? table
      } symbols: {
        ModuleContents.Part(
          value: LinkedSymbols(loaded: orc.kernel.symbols, bias: orc.kernel.place.kernelOffset))
      } debugInformation: {
        reader?.debugInformation() ?? ModuleContents.Part(value: nil)
      }
    }
  }

  /// What may be executed in the part of the address space that holds the image, modules, and code
  /// that the kernel made itself: from `__START_KERNEL_map` to the end of the module area
  /// (Documentation/arch/x86/x86_64/mm.rst).
  private func executableMappings() -> [Mapping] {
    let code =
      VirtualAddress(0xffff_ffff_8000_0000)...VirtualAddress(0xffff_ffff_feff_ffff)
    var mappings: [Mapping] = []
    place.pageTables.forEachMapping(in: code, of: machine.memory, tableLimit: 1 << 12) { found in
      guard found.permissions.contains(.execute), mappings.count < Self.mappingLimit else { return }
      mappings.append(
        Mapping(
          start: found.virtual, count: found.count, protection: [.read, .execute]))
    }
    return mappings
  }

  /// Hostile tables can map one page often.
  private static let mappingLimit = 1 << 16
}

/// Reads a vmlinux.
struct KernelDebugReader: Sendable {
  let file: KernelDebugFile
  let architecture: Architecture

  /// `table`, and what the file's `.debug_frame` adds to it.
  func completing(
    _ table: ModuleContents.Part<any UnwindTable>
  ) -> ModuleContents.Part<any UnwindTable> {
    do throws(ObjectError) {
      guard let section = try file.image.debugFrame(), section.compression == nil else {
        return table
      }
      let frames = CFITable(
        CFISection(.debugFrame, section.bytes, address: VirtualAddress(0)),
        architecture: architecture)
      guard let orc = table.value else {
        return ModuleContents.Part(value: frames, diagnostics: table.diagnostics)
      }
      return ModuleContents.Part(
        value: CombinedTable(orc: orc, frames: frames), diagnostics: table.diagnostics)
    } catch {
      return ModuleContents.Part(
        value: table.value,
        diagnostics: table.diagnostics + ["\(file.path): its .debug_frame can't be read: \(error)"])
    }
  }

  func debugInformation() -> ModuleContents.Part<DebugInformation> {
    do throws(SymbolError) {
      return ModuleContents.Part(
        value: try DebugInformation(
          image: file.image.bytes, alternate: file.alternate, name: file.path))
    } catch {
      return ModuleContents.Part(
        value: nil,
        diagnostics: ["\(file.path): its debug information can't be read: \(error)"])
    }
  }
}
