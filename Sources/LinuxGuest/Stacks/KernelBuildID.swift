import Bytes
public import ObjectFiles
import Symbols
import Targets

extension LinuxKernel {
  /// The build-id that the linker gave the kernel: from VMCOREINFO (`BUILD-ID=`, since Linux 5.9), or
  /// from the notes in its image. Nil if neither is there.
  public var buildID: BuildID? {
    if let text = vmcoreInfo?["BUILD-ID"], let id = BuildID(hex: text) { return id }
    guard let start = symbols.symbol(named: "__start_notes")?.address,
      let stop = symbols.symbol(named: "__stop_notes")?.address, stop > start,
      stop - start <= Self.notesLimit
    else { return nil }
    do throws(MemoryFault) {
      return Self.buildID(
        inNotes: try memory.readAvailable(VirtualAddress(start), count: stop - start))
    } catch {
      return nil  // The page of the notes isn't in the dump: nothing is known.
    }
  }

  /// A kernel has some hundred bytes of notes.
  private static let notesLimit: UInt64 = 1 << 16

  /// The descriptor of the note NT_GNU_BUILD_ID (gABI, "Note Section"):
  ///
  ///      0  n_namesz u32   4  n_descsz u32   8  n_type u32   12  name, descriptor: padded to 4
  static func buildID(inNotes notes: ByteView) -> BuildID? {
    var cursor = ByteCursor(notes)
    do throws(ByteError) {
      while cursor.remaining >= 12 {
        let nameSize = UInt64(try cursor.read(UInt32.self))
        let size = UInt64(try cursor.read(UInt32.self))
        let type = try cursor.read(UInt32.self)
        let name = try cursor.readBytes(nameSize).copy()
        try cursor.align(to: 4)
        let descriptor = try cursor.readBytes(size).copy()
        if type == ELFNoteType.gnuBuildID.rawValue, name == Array("GNU\0".utf8) {
          return BuildID(descriptor)
        }
        try cursor.align(to: 4)
      }
    } catch {
      return nil  // A note that reaches beyond the last: the rest is no notes.
    }
    return nil
  }
}
