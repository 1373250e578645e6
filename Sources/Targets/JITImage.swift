import Bytes
import ObjectFiles
import Symbols
import Unwinding

/// An ELF image in a process's memory that describes code which the process made itself: where it
/// is, how to unwind it, and what it is called. Its addresses are final.
struct JITImage {
  let image: ELFImage
  /// From the first to the end of the last of the sections with code.
  let code: Range<VirtualAddress>
  let evidence: UnwindEvidence

  /// No image that describes code to debuggers comes near this size, in bytes.
  static let sizeLimit: UInt64 = 64 << 20

  /// Nil if the image describes no code. Throws if `bytes` aren't an ELF file.
  init?(_ bytes: ByteView, evidence: UnwindEvidence) throws(ObjectError) {
    image = try ELFImage(bytes)
    self.evidence = evidence
    let parts = image.sections.compactMap { section -> Range<VirtualAddress>? in
      guard section.flags.contains([.allocated, .execute]), section.address.rawValue != 0,
        section.size > 0, let end = section.address.advanced(by: section.size)
      else { return nil }
      return section.address..<end
    }
    guard let first = parts.map(\.lowerBound).min(), let end = parts.map(\.upperBound).max() else {
      return nil
    }
    code = first..<end
  }

  func module(architecture: Architecture) -> Module {
    let image = image
    let evidence = evidence
    return Module(
      path: Module.generatedCodePath, range: code, bias: 0, buildID: nil, isProgram: false,
      files: Lazy { nil }
    ) {
      // Its debug information isn't read: libdw is for files that the analyst supplied.
      ModuleContents {
        Self.part {
          try Self.unwindTable(of: image, architecture: architecture, evidence: evidence)
        }
      } symbols: {
        Self.part { try ELFSymbols(images: [image]) }
      } debugInformation: {
        ModuleContents.Part(value: nil, diagnostics: [])
      }
    }
  }

  /// What `read` gives, or why it gives nothing.
  private static func part<Value: Sendable>(
    _ read: () throws -> Value?
  ) -> ModuleContents.Part<Value> {
    do {
      return ModuleContents.Part(value: try read(), diagnostics: [])
    } catch {
      return ModuleContents.Part(value: nil, diagnostics: ["a JIT image: \(error)"])
    }
  }

  private static func unwindTable(
    of image: ELFImage, architecture: Architecture, evidence: UnwindEvidence
  ) throws(ObjectError) -> (any UnwindTable)? {
    var sections: [CFISection] = []
    if let frames = try image.debugFrame(), frames.compression == nil {
      sections.append(CFISection(.debugFrame, frames.bytes, address: VirtualAddress(0)))
    }
    if let frames = try image.ehFrame(), frames.compression == nil {
      sections.append(CFISection(.ehFrame, frames.bytes, address: frames.address))
    }
    let tables = sections.map { section in
      JITUnwindTable(table: CFITable(section, architecture: architecture), evidence: evidence)
    }
    return tables.isEmpty ? nil : UnwindTableChain(tables)
  }
}

/// A table whose rows say what sort of image they came from.
private struct JITUnwindTable: UnwindTable {
  let table: CFITable
  let evidence: UnwindEvidence

  func row(at address: VirtualAddress) throws(UnwindError) -> UnwindRow? {
    guard var row = try table.row(at: address) else { return nil }
    row.evidence = evidence
    return row
  }
}
