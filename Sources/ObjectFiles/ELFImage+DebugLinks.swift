internal import Bytes

/// The contents of `.gnu_debuglink`: the debug file's name without a directory, and its checksum.
///
///      0  name with NUL, padded to 4 bytes;  then  crc32 u32
///
/// Source: GDB manual, "Debugging Information in Separate Files".
public struct ELFDebugLink: Hashable, Sendable {
  public let fileName: String
  /// The CRC-32 of the debug file's bytes, as in zlib and gzip.
  public let checksum: UInt32
}

/// The contents of `.gnu_debugaltlink`: where dwz put what several debug files share.
///
///      0  file name with NUL;  then  that file's build-id
public struct ELFAlternateDebugLink: Hashable, Sendable {
  /// Absolute, or relative to the directory of the file with the link.
  public let path: String
  public let buildID: BuildID
}

extension ELFImage {
  /// `.gnu_debuglink`; nil if there is none. Throws `.damaged` or `.unsupported`.
  public func debugLink() throws(ObjectError) -> ELFDebugLink? {
    guard let section = section(named: ".gnu_debuglink"), section.type != .noBits else {
      return nil
    }
    let link: ELFDebugLink
    let contents = try contents(of: section)
    do throws(ByteError) {
      var cursor = ByteCursor(contents)
      let name = try cursor.readCString(limit: 4096)
      try cursor.align(to: 4)
      link = ELFDebugLink(fileName: name, checksum: try cursor.read())
    } catch {
      throw .damaged(what: ".gnu_debuglink", offset: section.fileOffset, cause: error)
    }
    // A name with a directory would lead out of the places where debug files are looked for.
    let name = link.fileName
    guard !name.isEmpty, !name.contains("/"), name != "..", name != "." else {
      throw .unsupported(reason: ".gnu_debuglink names \"\(name)\", which is no plain file name")
    }
    return link
  }

  /// `.gnu_debugaltlink`; nil if there is none. Throws `.damaged` or `.invalid`.
  public func alternateDebugLink() throws(ObjectError) -> ELFAlternateDebugLink? {
    guard let section = section(named: ".gnu_debugaltlink"), section.type != .noBits else {
      return nil
    }
    let contents = try contents(of: section)
    var cursor = ByteCursor(contents)
    let path: String
    do throws(ByteError) {
      path = try cursor.readCString(limit: 4096)
    } catch {
      throw .damaged(what: ".gnu_debugaltlink", offset: section.fileOffset, cause: error)
    }
    let rest = contents.clampedSubview(at: cursor.offset, count: 65).copy()
    guard let id = BuildID(rest) else {
      throw .invalid(
        what: "length of the build-id in .gnu_debugaltlink", offset: section.fileOffset,
        value: UInt64(rest.count))
    }
    return ELFAlternateDebugLink(path: path, buildID: id)
  }
}
