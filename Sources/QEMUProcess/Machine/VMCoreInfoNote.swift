import Bytes
import Targets

/// The VMCOREINFO note of a Linux guest, at the place that its qemu_fw_cfg driver told QEMU.
///
///      0  n_namesz u32 (11)   4  n_descsz u32   8  n_type u32 (0)
///     12  "VMCOREINFO" and a NUL, padded to 4 bytes
///     24  the text
///
/// Sources: Linux kernel/crash_core.c, `append_elf_note`; System V gABI, "Note Section".
enum VMCoreInfoNote {
  enum Problem: Error, Hashable, CustomStringConvertible {
    /// Not all of it is in the dump.
    case memory(PhysicalFault)
    /// QEMU's own `dump-guest-memory` takes no more than this either (dump/dump.c,
    /// `MAX_VMCOREINFO_SIZE`).
    case tooLarge(UInt64)
    case notANote(PhysicalAddress)

    var description: String {
      switch self {
      case .memory(let fault): "\(fault)"
      case .tooLarge(let count): "\(count) bytes are more than any note has"
      case .notANote(let address): "there is no note at \(address)"
      }
    }
  }

  static let limit: UInt64 = 1 << 20

  /// The note's text.
  static func contents(
    at place: VMCoreInfoPlace, in memory: PhysicalMemory
  ) throws(Problem) -> ByteView {
    guard place.count <= limit else { throw .tooLarge(place.count) }
    let note: ByteView
    do throws(PhysicalFault) {
      note = try memory.read(place.start, count: place.count)
    } catch {
      throw .memory(error)
    }
    do throws(ByteError) {
      let nameSize = UInt64(try note.load(UInt32.self, at: 0))
      let size = UInt64(try note.load(UInt32.self, at: 4))
      if nameSize == 11, try note.cString(at: 12, limit: 11) == "VMCOREINFO" {
        return try note.subview(at: 24, count: size)
      }
    } catch {
      // Too short for what it claims.
    }
    throw .notANote(place.start)
  }
}
