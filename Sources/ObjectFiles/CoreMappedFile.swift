public import Bytes

/// One file-backed mapping, as NT_FILE lists it.
public struct CoreMappedFile: Hashable, Sendable {
  public let start: VirtualAddress
  /// The first address after the mapping.
  public let end: VirtualAddress
  /// Where in the file the mapping starts, in bytes.
  public let fileOffset: FileOffset
  /// As in /proc/PID/maps; " (deleted)" may follow.
  public let path: String

  public init(start: VirtualAddress, end: VirtualAddress, fileOffset: FileOffset, path: String) {
    self.start = start
    self.end = end
    self.fileOffset = fileOffset
    self.path = path
  }
}

/// The NT_FILE note (fs/binfmt_elf.c, `fill_files_note`).
///
///      0  count u64   8  page_size u64
///     16  count × { start u64, end u64, offset in units of page_size u64 }
///         count × { path with NUL }
enum CoreFileTable {
  /// Decodes what is there. Names that a cut note lacks are empty; `damage` says what was wrong.
  static func decode(
    _ descriptor: ByteView
  ) throws(ByteError) -> (files: [CoreMappedFile], damage: String?) {
    var table = ByteCursor(descriptor)
    let count = try table.read(UInt64.self)
    let pageSize = try table.read(UInt64.self)
    let present = min(count, table.remaining / 24)
    var names = ByteCursor(descriptor, at: table.offset + present * 24)
    var damage = present < count ? "only \(present) of \(count) mapped files are listed" : nil
    var files: [CoreMappedFile] = []
    files.reserveCapacity(Int(present))
    for _ in 0..<present {
      let start = VirtualAddress(try table.read(UInt64.self))
      let end = VirtualAddress(try table.read(UInt64.self))
      let (offset, overflow) = try table.read(UInt64.self).multipliedReportingOverflow(by: pageSize)
      var path = ""
      if present == count {
        do throws(ByteError) {
          path = try names.readCString(limit: 1 << 16)
        } catch {
          damage = damage ?? "the names of mapped files are cut off after \(files.count)"
          names.offset = UInt64(descriptor.count)
        }
      }
      if overflow || start > end {
        damage = damage ?? "mapping \(files.count) of \(start) to \(end) cannot be"
        continue
      }
      files.append(
        CoreMappedFile(start: start, end: end, fileOffset: FileOffset(offset), path: path))
    }
    return (files, damage)
  }

  static func encode(_ files: [CoreMappedFile], pageSize: UInt64) -> [UInt8] {
    var writer = ByteWriter()
    writer.append(UInt64(files.count))
    writer.append(pageSize)
    for file in files {
      writer.append(file.start.rawValue)
      writer.append(file.end.rawValue)
      writer.append(file.fileOffset.rawValue / pageSize)
    }
    for file in files {
      writer.append(contentsOf: file.path.utf8)
      writer.append(UInt8(0))
    }
    return writer.bytes
  }
}

/// One entry of the auxiliary vector, which the kernel passed to the program (NT_AUXV).
///
///      0  a_type u64   8  a_val u64   … until an AT_NULL (0)
public struct CoreAuxiliaryEntry: Hashable, Sendable {
  public let type: UInt64
  public let value: UInt64

  public init(type: UInt64, value: UInt64) {
    self.type = type
    self.value = value
  }

  /// Where the program headers of the executable are (`AT_PHDR`).
  public static let programHeaders: UInt64 = 3
  public static let programHeaderSize: UInt64 = 4
  public static let programHeaderCount: UInt64 = 5
  public static let pageSize: UInt64 = 6
  /// Where the dynamic linker is loaded (`AT_BASE`).
  public static let interpreterBase: UInt64 = 7
  /// The executable's entry point (`AT_ENTRY`).
  public static let entry: UInt64 = 9
  /// The executable's name as it was run (`AT_EXECFN`).
  public static let executableName: UInt64 = 31
  /// Where the vDSO's ELF header is (`AT_SYSINFO_EHDR`).
  public static let vdso: UInt64 = 33

  static func encode(_ entries: [CoreAuxiliaryEntry]) -> [UInt8] {
    var writer = ByteWriter()
    for entry in entries + [CoreAuxiliaryEntry(type: 0, value: 0)] {
      writer.append(entry.type)
      writer.append(entry.value)
    }
    return writer.bytes
  }

  /// The entries in `descriptor`, which is NT_AUXV's or the contents of `/proc/PID/auxv`.
  public static func decode(_ descriptor: ByteView) throws(ByteError) -> [CoreAuxiliaryEntry] {
    var entries: [CoreAuxiliaryEntry] = []
    var cursor = ByteCursor(descriptor)
    while cursor.remaining >= 16 {
      let entry = CoreAuxiliaryEntry(type: try cursor.read(), value: try cursor.read())
      if entry.type == 0 { break }
      entries.append(entry)
    }
    return entries
  }
}
