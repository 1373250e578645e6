import Bytes
public import LinuxGuest
public import Symbols
import Targets

/// Where types and symbols come from: the kernel's image, or a module.
public struct TypeSource: Sendable {
  /// `vmlinux`, or the module's name.
  public let name: String
  public let types: any TypeLibrary
  public let symbols: any SymbolTable
  /// Nil for the image.
  public let module: KernelModule?

  /// Whether `type` is described here, not in what a module's types continue.
  func describes(_ type: TypeReference) -> Bool {
    guard let types = types as? BTFTypes, let id = type.id else { return true }
    return id.rawValue >= types.firstID
  }

  /// Those of `kernel`'s image.
  public static func image(of kernel: LinuxKernel) -> TypeSource {
    TypeSource(name: "vmlinux", types: kernel.types, symbols: kernel.symbols, module: nil)
  }

  /// The image first, then the modules; and what of them can't be read, a line each.
  public static func all(of kernel: LinuxKernel) -> (sources: [TypeSource], problems: [String]) {
    var sources = [image(of: kernel)]
    var problems: [String] = []
    do throws(StructureError) {
      for module in try kernel.modules().loaded {
        sources.append(
          TypeSource(
            name: module.name, types: types(of: module, in: kernel, &problems),
            symbols: module.symbols, module: module))
      }
    } catch {
      problems.append("the kernel's modules: \(error)")
    }
    return (sources, problems)
  }

  /// A module's BTF; without any, its symbols can be shown all the same.
  private static func types(
    of module: KernelModule, in kernel: LinuxKernel, _ problems: inout [String]
  ) -> any TypeLibrary {
    guard let place = module.types, let base = kernel.types as? BTFTypes else {
      return NoModuleTypes()
    }
    let count = place.upperBound.rawValue - place.lowerBound.rawValue
    do throws(MemoryFault) {
      let bytes = try kernel.memory.read(place.lowerBound, count: count)
      do throws(SymbolError) {
        let types = try BTFTypes(bytes, base: base)
        if let damage = types.damage { problems.append("BTF of \(module.name): \(damage)") }
        return types
      } catch {
        problems.append("BTF of \(module.name): \(error)")
      }
    } catch {
      problems.append("BTF of \(module.name): \(error)")
    }
    return NoModuleTypes()
  }
}

/// The types of a module that describes none.
private struct NoModuleTypes: TypeLibrary {
  func type(named name: String) throws(SymbolError) -> TypeReference? { nil }
}
