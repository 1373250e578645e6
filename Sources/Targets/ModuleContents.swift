import Bytes
import DebugFiles
import ObjectFiles
public import Symbols
public import Unwinding

/// What a module's files, or its image in memory, hold.
public struct ModuleContents: Sendable {
  /// How to get from a frame in this module to its caller; nil if nothing says.
  public let unwindTable: (any UnwindTable)?
  /// Names by address; nil if there is no symbol table.
  public let symbols: ELFSymbols?
  /// Lines, inlined functions, variables and types; nil if there is none.
  public let debugInformation: DebugInformation?
  /// What couldn't be found or read, a line each.
  public let diagnostics: [String]
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
  mutating func contents(of files: ModuleFiles) -> ModuleContents {
    let binary = files.binary?.image
    let debug = files.debugFile?.place == .binaryItself ? nil : files.debugFile?.image
    var information: DebugInformation?
    if let file = files.debugFile {
      do throws(SymbolError) {
        information = try DebugInformation(
          image: file.image.bytes, alternate: files.alternateFile?.image.bytes, name: file.path)
      } catch {
        diagnostics.append("\(file.path): its debug information can't be read: \(error)")
      }
    }
    let images = [debug, binary, files.miniDebugInfo?.image].compactMap { $0 }
    return ModuleContents(
      unwindTable: unwindTable(binary: binary, debug: debug), symbols: symbols(in: images),
      debugInformation: information, diagnostics: diagnostics)
  }

  /// What the image in memory holds by itself: all of a vdso, of other modules what the dump has.
  mutating func contentsOfImageInMemory() -> ModuleContents {
    var image: ELFImage?
    if let region = memory.region(containing: object.base), let bytes = region.bytes,
      let skip = object.base.offset(from: region.start)
    {
      do throws(ObjectError) {
        image = try ELFImage(bytes.clampedSubview(at: skip, count: .max))
      } catch {
        diagnostics.append("\(object.path): its image in memory can't be read: \(error)")
      }
    }
    return ModuleContents(
      unwindTable: unwindTable(binary: image, debug: nil),
      symbols: symbols(in: [image].compactMap { $0 }), debugInformation: nil,
      diagnostics: diagnostics)
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
        let region = memory.region(containing: address), let bytes = region.bytes,
        let skip = address.offset(from: region.start)
      else { return nil }
      let linked = address &- image.bias
      return CFITable(
        CFISection(.ehFrame, bytes.clampedSubview(at: skip, count: .max), address: linked),
        architecture: architecture)
    } catch {
      diagnostics.append("\(object.path): its .eh_frame in memory can't be read: \(error)")
      return nil
    }
  }

  private mutating func symbols(in images: [ELFImage]) -> ELFSymbols? {
    guard !images.isEmpty else { return nil }
    do throws(SymbolError) {
      return try ELFSymbols(images: images)
    } catch {
      diagnostics.append("\(object.path): its symbols can't be read: \(error)")
      return nil
    }
  }
}
