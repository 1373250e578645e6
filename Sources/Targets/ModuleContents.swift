import Bytes
import DebugFiles
import ObjectFiles
public import Symbols
public import Unwinding

/// What a module's files, or its image in memory, hold. Each part is read when it is first asked
/// for; different parts may be read at the same time.
public final class ModuleContents: Sendable {
  private let lazyUnwindTable: Lazy<Part<any UnwindTable>>
  private let lazySymbols: Lazy<Part<any SymbolTable>>
  private let lazyDebugInformation: Lazy<Part<DebugInformation>>

  /// One part, and what couldn't be found or read of it, a line each.
  public struct Part<Value: Sendable>: Sendable {
    public let value: Value?
    public let diagnostics: [String]

    public init(value: Value?, diagnostics: [String] = []) {
      self.value = value
      self.diagnostics = diagnostics
    }
  }

  /// Contents whose parts the closures read, each at most once.
  public init(
    unwindTable: @escaping @Sendable () -> Part<any UnwindTable>,
    symbols: @escaping @Sendable () -> Part<any SymbolTable>,
    debugInformation: @escaping @Sendable () -> Part<DebugInformation>
  ) {
    lazyUnwindTable = Lazy(unwindTable)
    lazySymbols = Lazy(symbols)
    lazyDebugInformation = Lazy(debugInformation)
  }

  /// For a module of which there is nothing to read.
  static let nothing = ModuleContents {
    Part(value: nil, diagnostics: [])
  } symbols: {
    Part(value: nil, diagnostics: [])
  } debugInformation: {
    Part(value: nil, diagnostics: [])
  }

  /// How to get from a frame in this module to its caller; nil if nothing says.
  public var unwindTable: (any UnwindTable)? { lazyUnwindTable.value.value }
  /// Names by address; nil if there is no symbol table.
  public var symbols: (any SymbolTable)? { lazySymbols.value.value }
  /// Lines, inlined functions, variables and types; nil if there is none.
  public var debugInformation: DebugInformation? { lazyDebugInformation.value.value }
  /// What couldn't be found or read, a line each. Asking for it reads all parts.
  public var diagnostics: [String] {
    lazyDebugInformation.value.diagnostics + lazyUnwindTable.value.diagnostics
      + lazySymbols.value.diagnostics
  }
}

/// Reads a module's contents from whichever files were found for it.
struct ModuleReader {
  let object: LoadedObject
  let architecture: Architecture
  let memory: AddressSpace
  private(set) var diagnostics: [String] = []

  init(object: LoadedObject, architecture: Architecture, memory: AddressSpace) {
    self.object = object
    self.architecture = architecture
    self.memory = memory
  }

  /// What `files` hold.
  func contents(of files: ModuleFiles) -> ModuleContents {
    let binary = files.binary?.image
    let debug = files.debugFile?.place == .binaryItself ? nil : files.debugFile?.image
    let images = [debug, binary, files.miniDebugInfo?.image].compactMap { $0 }
    return ModuleContents {
      part { $0.unwindTable(binary: binary, debug: debug) }
    } symbols: {
      part { $0.symbols(in: images) }
    } debugInformation: {
      part { $0.debugInformation(of: files) }
    }
  }

  /// What `read` gives, with what it complains of.
  private func part<Value: Sendable>(
    _ read: (inout ModuleReader) -> Value?
  ) -> ModuleContents.Part<Value> {
    var reader = self
    let value = read(&reader)
    return ModuleContents.Part(value: value, diagnostics: reader.diagnostics)
  }

  private mutating func debugInformation(of files: ModuleFiles) -> DebugInformation? {
    guard let file = files.debugFile else { return nil }
    do throws(SymbolError) {
      return try DebugInformation(
        image: file.image.bytes, alternate: files.alternateFile?.image.bytes, name: file.path)
    } catch {
      diagnostics.append("\(file.path): its debug information can't be read: \(error)")
      return nil
    }
  }

  /// What the image in memory holds by itself: all of a vdso, of other modules what the dump has.
  func contentsOfImageInMemory() -> ModuleContents {
    var reader = self
    let image = reader.imageInMemory()
    return ModuleContents { [reader] in
      reader.part { $0.unwindTable(binary: image, debug: nil) }
    } symbols: {
      part { $0.symbols(in: [image].compactMap { $0 }) }
    } debugInformation: {
      ModuleContents.Part(value: nil, diagnostics: [])
    }
  }

  /// More than any `.eh_frame` or vdso has; what lies in the same region beyond isn't fetched.
  private static let fetchLimit: UInt64 = 64 << 20

  private mutating func imageInMemory() -> ELFImage? {
    if let bytes = memory.rest(at: object.base, limit: Self.fetchLimit) {
      do throws(ObjectError) {
        return try ELFImage(bytes)
      } catch {
        diagnostics.append("\(object.path): its image in memory can't be read: \(error)")
      }
    }
    return nil
  }

  /// `.eh_frame` of the file, or else of the image in memory, then `.debug_frame`.
  private mutating func unwindTable(binary: ELFImage?, debug: ELFImage?) -> (any UnwindTable)? {
    var tables: [any UnwindTable] = []
    if let binary, let table = ehFrame(of: binary) { tables.append(table) }
    if tables.isEmpty, let table = loadedEHFrame() { tables.append(table) }
    for image in [binary, debug].compactMap({ $0 }) {
      do throws(ObjectError) {
        if let table = try image.debugFrame(), table.compression == nil {
          tables.append(
            CFITable(
              CFISection(.debugFrame, table.bytes, address: VirtualAddress(0)),
              architecture: architecture))
        }
      } catch {
        diagnostics.append("\(object.path): its .debug_frame can't be read: \(error)")
      }
    }
    return tables.isEmpty ? nil : UnwindTableChain(tables)
  }

  private mutating func ehFrame(of image: ELFImage) -> CFITable? {
    do throws(ObjectError) {
      guard let frames = try image.ehFrame() else { return nil }
      return CFITable(
        CFISection(.ehFrame, frames.bytes, address: frames.address),
        header: ehFrameHeader(of: image), architecture: architecture)
    } catch {
      diagnostics.append("\(object.path): its .eh_frame can't be read: \(error)")
      return nil
    }
  }

  /// The linker's search table. Without it, finding a row only takes longer.
  private mutating func ehFrameHeader(of image: ELFImage) -> EHFrameHeader? {
    do {
      guard let header = try image.ehFrameHeader() else { return nil }
      return try EHFrameHeader(header.bytes, address: header.address)
    } catch {
      diagnostics.append("\(object.path): its .eh_frame_hdr is of no use: \(error)")
      return nil
    }
  }

  /// `.eh_frame` as the process had it loaded, with addresses turned back into the file's.
  private mutating func loadedEHFrame() -> CFITable? {
    guard let image = object.image else { return nil }
    do throws(ObjectError) {
      guard let address = try image.ehFrameAddress(in: memory),
        let bytes = memory.rest(at: address, limit: Self.fetchLimit)
      else { return nil }
      let linked = address &- image.bias
      return CFITable(
        CFISection(.ehFrame, bytes, address: linked),
        architecture: architecture)
    } catch {
      diagnostics.append("\(object.path): its .eh_frame in memory can't be read: \(error)")
      return nil
    }
  }

  private mutating func symbols(in images: [ELFImage]) -> (any SymbolTable)? {
    guard !images.isEmpty else { return nil }
    do throws(SymbolError) {
      return try ELFSymbols(images: images)
    } catch {
      diagnostics.append("\(object.path): its symbols can't be read: \(error)")
      return nil
    }
  }
}
