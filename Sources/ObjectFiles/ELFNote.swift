public import Bytes

/// `n_type`, which means something only together with the note's owner. Source: elf.h, "NT_".
public struct ELFNoteType: RawRepresentable, Hashable, Sendable {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  // Owner "GNU".
  public static let gnuBuildID = ELFNoteType(rawValue: 3)
  // Owner "CORE".
  public static let threadStatus = ELFNoteType(rawValue: 1)
  public static let floatingPoint = ELFNoteType(rawValue: 2)
  public static let processInfo = ELFNoteType(rawValue: 3)
  public static let auxiliaryVector = ELFNoteType(rawValue: 6)
  public static let signalInfo = ELFNoteType(rawValue: 0x5349_4749)
  public static let mappedFiles = ELFNoteType(rawValue: 0x4649_4c45)
  // Owner "LINUX".
  public static let x86ExtendedState = ELFNoteType(rawValue: 0x202)
  public static let x86ExtendedStateLayout = ELFNoteType(rawValue: 0x205)
}

/// One note.
///
///      0  n_namesz u32   4  n_descsz u32   8  n_type u32
///     12  the owner's name with its NUL, padded to the alignment
///         the descriptor, padded to the alignment
///
/// Sources: System V gABI, chapter 5, "Note Section"; padding is to 4 bytes, even in 64-bit files,
/// except in segments aligned to 8 (`.note.gnu.property`).
public struct ELFNote: Sendable {
  /// Who defined the type: "CORE", "LINUX", "GNU", "QEMU", …
  public let owner: String
  public let type: ELFNoteType
  /// As much of the descriptor as the file holds.
  public let descriptor: ByteView
  /// How long the descriptor says it is; more than `descriptor` holds in a file that was cut.
  public let declaredSize: UInt64
  /// Where the note's header lies in the file.
  public let offset: FileOffset
  /// Where the descriptor lies in the file.
  public let descriptorOffset: FileOffset

  public var isTruncated: Bool { UInt64(descriptor.count) < declaredSize }

  public func `is`(_ type: ELFNoteType, of owner: String) -> Bool {
    self.type == type && self.owner == owner
  }
}

/// The notes of one segment or section, in order.
struct ELFNoteReader {
  private var cursor: ByteCursor
  private let base: FileOffset
  private let alignment: UInt64
  /// What was wrong with the note that ended the reading, if it wasn't the end of the bytes.
  private(set) var diagnostic: ELFDiagnostic?

  /// No owner's name is longer; a bigger size is damage.
  private static let nameLimit: UInt64 = 1024

  /// `bytes` begin at `base` in the file. `alignment` is the segment's or section's own.
  init(_ bytes: ByteView, base: FileOffset, alignment: UInt64) {
    cursor = ByteCursor(bytes)
    self.base = base
    self.alignment = alignment == 8 ? 8 : 4
  }

  mutating func next() -> ELFNote? {
    guard diagnostic == nil, !cursor.isAtEnd else { return nil }
    let start = base &+ cursor.offset
    do throws(ByteError) {
      let nameSize = UInt64(try cursor.read(UInt32.self))
      let size = UInt64(try cursor.read(UInt32.self))
      let type = ELFNoteType(rawValue: try cursor.read())
      // Padding after the last note, as in areas that a kernel reserves for its notes.
      if nameSize == 0, size == 0, type.rawValue == 0 { return endAtPadding(start) }
      guard nameSize <= Self.nameLimit else {
        return fail(start, "a note's name of \(nameSize) bytes; later notes are lost")
      }
      let name = try cursor.readBytes(nameSize)
      skipPadding()
      let descriptorOffset = base &+ cursor.offset
      let descriptor = cursor.view.clampedSubview(at: cursor.offset, count: size)
      cursor.offset += UInt64(descriptor.count)
      if UInt64(descriptor.count) < size {
        diagnostic = ELFDiagnostic(
          offset: start,
          message: "a note of \(size) bytes of which only \(descriptor.count) are there")
      } else {
        skipPadding()
      }
      return ELFNote(
        owner: Self.text(name), type: type, descriptor: descriptor, declaredSize: size,
        offset: start, descriptorOffset: descriptorOffset)
    } catch {
      return fail(start, "a note is cut off: \(error)")
    }
  }

  private mutating func fail(_ offset: FileOffset, _ message: String) -> ELFNote? {
    diagnostic = ELFDiagnostic(offset: offset, message: message)
    return nil
  }

  /// Ends quietly if nothing but zeros follows (as far as a page shows), else reports an empty note.
  private mutating func endAtPadding(_ start: FileOffset) -> ELFNote? {
    let rest = cursor.view.clampedSubview(at: cursor.offset, count: 4096)
    cursor.offset = UInt64(cursor.view.count)
    let span = rest.bytes
    for index in span.byteOffsets where span[index] != 0 {
      return fail(start, "an empty note before others; these are lost")
    }
    return nil
  }

  /// The last note of a segment may lack its padding.
  private mutating func skipPadding() {
    let padding = (alignment - cursor.offset % alignment) % alignment
    cursor.offset = min(cursor.offset + padding, UInt64(cursor.view.count))
  }

  /// The owner without its NUL; some writers leave the NUL out.
  private static func text(_ name: ByteView) -> String {
    let bytes = name.copy()
    return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }
}
