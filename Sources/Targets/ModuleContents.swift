import Bytes
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

  /// - Parameters:
  ///   - binary: the loaded file itself.
  ///   - debug: the separate debug file; nil if there is none, or `binary` holds it all.
  ///   - alternate: what dwz moved out of the debug file.
  ///   - miniDebug: the unpacked `.gnu_debugdata`.
  mutating func contents(
    binary: ELFImage?, debug: ELFImage?, alternate: ByteView?, miniDebug: ELFImage?
  ) -> ModuleContents {
    let table = unwindTable(binary: binary, debug: debug)
    let symbols = symbols(binary: binary, debug: debug, miniDebug: miniDebug)
    var information: DebugInformation?
    for image in [debug, binary].compactMap({ $0 }) where information == nil {
      do throws(SymbolError) {
        information = try DebugInformation(
          image: image.bytes, alternate: alternate, name: object.path)
      } catch .noDebugInformation {
        continue
      } catch {
        diagnostics.append("\(object.path): its debug information can't be read: \(error)")
      }
    }
    return ModuleContents(
      unwindTable: table, symbols: symbols, debugInformation: information,
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

  private mutating func symbols(
    binary: ELFImage?, debug: ELFImage?, miniDebug: ELFImage?
  ) -> ELFSymbols? {
    let images = [debug, binary, miniDebug].compactMap { $0 }
    guard !images.isEmpty else { return nil }
    do throws(SymbolError) {
      return try ELFSymbols(images: images)
    } catch {
      diagnostics.append("\(object.path): its symbols can't be read: \(error)")
      return nil
    }
  }
}
