public import Bytes
public import ObjectFiles

/// A vmlinux with debug information, proved to be the one that the machine runs.
public struct KernelDebugFile: Sendable {
  public let path: String
  public let image: ELFImage
  /// What dwz moved out of it; nil if nothing was.
  public let alternate: ByteView?

  public init(path: String, image: ELFImage, alternate: ByteView? = nil) {
    self.path = path
    self.image = image
    self.alternate = alternate
  }
}
