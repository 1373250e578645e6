public import Symbols

extension LinuxKernel {
  /// Whether anything describes the kernel's types. Without, its tasks, and all else that lies in
  /// structures, can't be read.
  public var hasTypes: Bool { !(types is NoTypes) }

  /// This kernel, with the types that the DWARF of its vmlinux describes: for images without BTF,
  /// which are built so or lost it. Throws if the file holds no debug information that can be read.
  public func withTypes(of file: KernelDebugFile) throws(SymbolError) -> LinuxKernel {
    let types = try DebugInformation(
      image: file.image.bytes, alternate: file.alternate, name: file.path)
    return LinuxKernel(
      machine: machine, release: release, version: version, vmcoreInfo: vmcoreInfo, place: place,
      memory: memory, symbols: symbols, types: types, typesFile: file,
      evidence: evidence + ["types: the debug information of \(file.path)"],
      diagnostics: problems)
  }

  /// This kernel, with `lines` added to what is wrong with it.
  public func adding(diagnostics lines: [String]) -> LinuxKernel {
    LinuxKernel(
      machine: machine, release: release, version: version, vmcoreInfo: vmcoreInfo, place: place,
      memory: memory, symbols: symbols, types: types, typesFile: typesFile, evidence: evidence,
      diagnostics: problems + lines)
  }
}
