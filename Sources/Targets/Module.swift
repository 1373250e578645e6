public import Bytes
public import DebugFiles
public import ObjectFiles

/// A program, library or vdso as a process has it loaded.
///
/// What its files say is read when it is first asked for, and kept.
public final class Module: Sendable {
  /// The path as the process saw it; `[vdso]` for the kernel's own.
  public let path: String
  /// From its first mapping to the end of its last one.
  public let range: Range<VirtualAddress>
  /// What to add, modulo 2⁶⁴, to an address in its file to get the one in the process.
  public let bias: UInt64
  /// The build-id in the process's memory; nil if it has none or it can't be read.
  public let buildID: BuildID?
  /// This is the program itself, not a library.
  public let isProgram: Bool
  /// The name under which the dynamic linker loaded it, often a symbolic link to `path`. Nil for the
  /// program, the vdso, and where the linker's list can't be read.
  public let linkName: String?

  private let lazyFiles: Lazy<ModuleFiles?>
  private let lazyContents: Lazy<ModuleContents>
  private let lazyExports: Lazy<[String: UInt64]>

  init(
    path: String, range: Range<VirtualAddress>, bias: UInt64, buildID: BuildID?, isProgram: Bool,
    linkName: String? = nil, files: Lazy<ModuleFiles?>, exports: [String: UInt64]? = nil,
    contents: @escaping @Sendable () -> ModuleContents
  ) {
    self.path = path
    self.range = range
    self.bias = bias
    self.buildID = buildID
    self.isProgram = isProgram
    self.linkName = linkName
    lazyFiles = files
    lazyContents = Lazy(contents)
    lazyExports = Lazy { exports ?? files.value?.binary?.image.exportedAddresses() ?? [:] }
  }

  /// A module that no dynamic linker loaded and whose contents the caller knows how to get: a
  /// kernel, or a module of one. `linkName` is what frames' lines call it.
  public convenience init(
    path: String, range: Range<VirtualAddress>, bias: UInt64, buildID: BuildID?,
    isProgram: Bool = false, linkName: String? = nil,
    contents: @escaping @Sendable () -> ModuleContents
  ) {
    self.init(
      path: path, range: range, bias: bias, buildID: buildID, isProgram: isProgram,
      linkName: linkName, files: Lazy { nil }, exports: [:], contents: contents)
  }

  /// The files that were found for it; nil for the vdso, which has none.
  public var files: ModuleFiles? { lazyFiles.value }

  /// What its files hold.
  public var contents: ModuleContents { lazyContents.value }

  /// The link-time addresses of the functions and variables that other modules may use, by linkage
  /// name.
  var exports: [String: UInt64] { lazyExports.value }

  /// The file as gdb calls it in a frame's line; nil for the program and the vdso, which it doesn't
  /// mention there.
  public var libraryName: String? {
    if isProgram { return nil }
    return linkName ?? (files == nil ? nil : path)
  }

  /// The path's last part.
  public var name: String { path.split(separator: "/").last.map(String.init) ?? path }

  /// The address in the file that is loaded at `address`.
  public func linkAddress(of address: VirtualAddress) -> VirtualAddress { address &- bias }

  /// Where in memory an address of the file is loaded.
  public func loadedAddress(of address: UInt64) -> VirtualAddress {
    VirtualAddress(address) &+ bias
  }

  /// The symbol at or before `address` (in memory); nil if none is near, or if the address is only
  /// in the rest of a page that a segment ends in.
  public func symbol(at address: VirtualAddress) -> SymbolOffset? {
    let link = linkAddress(of: address)
    if let image = files?.binary?.image,
      !image.segments.contains(where: { $0.type == .load && $0.contains(link) })
    {
      return nil
    }
    return contents.symbols?.symbol(at: link.rawValue).map {
      SymbolOffset(symbol: $0.symbol, offset: $0.offset)
    }
  }
}

extension Module {
  /// Where the thread at `threadPointer` keeps the byte at `offset` of this module's thread-local
  /// block; nil if the module has none, or its place isn't fixed by the ABI.
  ///
  /// x86-64 lays the program's block so that it ends at the thread pointer (variant II; "ELF
  /// Handling For Thread-Local Storage", section 3.4.6). Where a library's lies is the dynamic
  /// linker's own business.
  public func threadLocalAddress(
    offset: UInt64, threadPointer: VirtualAddress
  ) -> VirtualAddress? {
    guard isProgram, let image = files?.binary?.image,
      let segment = image.segments.first(where: { $0.type == .threadLocal })
    else { return nil }
    let alignment = max(segment.alignment, 1)
    guard alignment & (alignment - 1) == 0 else { return nil }
    let size = (segment.memorySize &+ alignment &- 1) & ~(alignment &- 1)
    return threadPointer &- size &+ offset
  }
}
