internal import Bytes
internal import ObjectFiles
internal import Targets

/// Reads the build-id of a module: the kernel keeps it since 5.14 if it was built to
/// (`CONFIG_STACKTRACE_BUILD_ID`), and the note itself, which /sys/module/NAME/notes shows, anyway.
struct ModuleBuildID {
  private let kernel: LinuxKernel

  init(_ kernel: LinuxKernel) { self.kernel = kernel }

  func read(_ image: StructureImage<ModuleMember>) throws(StructureError) -> BuildID? {
    if let place = image.layout[.buildID] {
      let bytes = try bytes(at: image.address &+ place.offset, count: min(place.byteCount, 64))
      if bytes.contains(where: { $0 != 0 }) { return BuildID(bytes) }
    }
    guard image.layout[.notes] != nil, let notes = try image.pointer(.notes) else { return nil }
    return try readNotes(notes)
  }

  /// More sections of notes no module has.
  private static let limit: UInt64 = 16

  /// `struct module_notes_attrs` (kernel/module/sysfs.c; kernel/module.c up to 5.18): an attribute
  /// for each section of notes, named like it. `notes` counts them up to 6.13.
  private func readNotes(_ address: VirtualAddress) throws(StructureError) -> BuildID? {
    let object = try kernel.object("struct module_notes_attrs", at: address)
    let count = try object.hasMember("notes") ? try object.member("notes").unsigned() : Self.limit
    let attributes = try object.member("attrs")
    for index in 0..<min(count, Self.limit) {
      let attribute = try attributes.element(index)
      guard let name = try attribute.member("attr.name").string(), name.hasPrefix(".note") else {
        return nil
      }
      guard name == ".note.gnu.build-id" else { continue }
      let place = try attribute.member("private").unsigned()
      let size = try attribute.member("size").unsigned()
      return BuildID(
        Self.descriptor(of: try bytes(at: VirtualAddress(place), count: min(size, 256))))
    }
    return nil
  }

  /// The descriptor of the note in `bytes` (System V gABI, chapter 5, "Note Section"), which must be
  /// NT_GNU_BUILD_ID of the owner "GNU":
  ///
  ///     0       4       8       12     16
  ///     namesz  descsz  type    GNU\0  the descriptor
  ///     4       n       3
  private static func descriptor(of bytes: [UInt8]) -> [UInt8] {
    guard bytes.count > 16, bytes[0] == 4, bytes[8] == 3,
      bytes[12..<16].elementsEqual("GNU\0".utf8)
    else { return [] }
    return Array(bytes[16...].prefix(Int(bytes[4])))
  }

  private func bytes(at address: VirtualAddress, count: UInt64) throws(StructureError) -> [UInt8] {
    do throws(MemoryFault) {
      return try kernel.memory.read(address, count: count).copy()
    } catch {
      throw .memory(error)
    }
  }
}
