public import Bytes
public import Compression
public import HostSystem

/// Why an input can't be read at all.
public enum InputFileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file, or the temporary file for its unpacked contents.
  case host(HostError)
  /// The file is packed, and nothing of it could be unpacked.
  case compression(path: String, CompressionError)
  /// The caller's progress function said to stop.
  case cancelled(path: String)

  public var description: String {
    switch self {
    case .host(let error): error.description
    case .compression(let path, let error): "\(path): \(error)"
    case .cancelled(let path): "\(path): unpacking was interrupted"
    }
  }
}

/// A file to be analysed, packed or not, mapped.
public struct InputFile: Sendable {
  /// How far unpacking has come.
  public struct Progress: Sendable {
    public let format: CompressionFormat
    /// How many of the packed bytes are done, of how many.
    public let packedBytes: UInt64
    public let packedSize: UInt64
    /// How many bytes have come out.
    public let unpackedBytes: UInt64
  }

  /// The name it was opened by.
  public let path: String
  /// The file as it is to be read: itself, or a temporary file with its unpacked contents.
  public let mapped: MappedFile
  /// Which file it is, so that no output takes its place.
  public let identity: FileIdentity
  /// How it is packed; nil if it isn't.
  public let compression: CompressionFormat?
  /// Why `mapped` holds only the first part of the unpacked contents; nil if it holds all.
  public let damage: CompressionError?

  public var bytes: ByteView { mapped.bytes }

  /// Opens `path`. If it is packed (gzip, zstd, xz, lz4), unpacks it to a temporary file, with holes
  /// for zeros, telling `progress` of every megabyte; `progress` returns false to stop.
  /// What precedes damage or a missing end is kept, and `damage` tells.
  public static func open(
    _ path: String, progress: ((Progress) -> Bool)? = nil
  ) throws(InputFileError) -> InputFile {
    let file = try host { () throws(HostError) in try MappedFile.open(path) }
    guard let format = CompressionFormat.detect(file.bytes) else {
      return InputFile(
        path: path, mapped: file, identity: file.identity, compression: nil, damage: nil)
    }
    return try unpack(file, format, progress)
  }

  private static func unpack(
    _ file: MappedFile, _ format: CompressionFormat, _ progress: ((Progress) -> Bool)?
  ) throws(InputFileError) -> InputFile {
    let target = try host { () throws(HostError) in
      try TemporaryFile(purpose: "unpacked contents of \(file.path)")
    }
    let decompressor = try packed(file.path) { () throws(CompressionError) in
      try Decompressor(file.bytes, format: format)
    }
    var released: UInt64 = 0
    var damage: CompressionError?
    while true {
      do throws(CompressionError) {
        guard try decompressor.advance() else { break }
      } catch {
        guard target.size > 0 else { throw .compression(path: file.path, error) }
        damage = error
        break
      }
      try host { () throws(HostError) in
        try target.append(decompressor.chunk)
        // What was read stays in the page cache, but needn't count as this process's memory.
        if decompressor.inputOffset - released >= releaseStep {
          try file.advise(released..<decompressor.inputOffset, .dontNeed)
          released = decompressor.inputOffset
        }
      }
      let state = Progress(
        format: format, packedBytes: decompressor.inputOffset, packedSize: file.size,
        unpackedBytes: decompressor.outputCount)
      if let progress, !progress(state) { throw .cancelled(path: file.path) }
    }
    let mapped = try host { () throws(HostError) in try target.map() }
    return InputFile(
      path: file.path, mapped: mapped, identity: file.identity, compression: format,
      damage: damage)
  }

  private static let releaseStep: UInt64 = 64 << 20

  private static func host<Result>(
    _ body: () throws(HostError) -> Result
  ) throws(InputFileError) -> Result {
    do throws(HostError) {
      return try body()
    } catch {
      throw .host(error)
    }
  }

  private static func packed<Result>(
    _ path: String, _ body: () throws(CompressionError) -> Result
  ) throws(InputFileError) -> Result {
    do throws(CompressionError) {
      return try body()
    } catch {
      throw .compression(path: path, error)
    }
  }
}
